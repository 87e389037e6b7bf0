// SPDX-License-Identifier: GPL-2.0
/*
 * _RST for the NVMe below the Root Port at 00:02.0: a Function Level Reset, which
 * clears the mark of the test.
 */
DefinitionBlock ("", "SSDT", 2, "KSFT", "NVMERST", 1)
{
	External (\_SB.PCI0, DeviceObj)

	Scope (\_SB.PCI0)
	{
		Device (RP0)
		{
			Name (_ADR, 0x00020000)

			Device (NVM0)
			{
				Name (_ADR, Zero)

				/* QEMU has the PCI Express capability at 80h */
				OperationRegion (CFG, PCI_Config, Zero, 0x100)
				Field (CFG, WordAcc, NoLock, Preserve)
				{
					Offset (0x88),
					DCTL, 16,
				}

				Method (_RST, 0, Serialized)
				{
					DCTL |= 0x8000
					Sleep (100)
				}
			}
		}
	}
}
