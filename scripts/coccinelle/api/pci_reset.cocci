// SPDX-License-Identifier: GPL-2.0-only
///
/// Resets of a PCI device, or of its link, behind the PCI core's back:
///  - a Secondary Bus Reset by hand, or by a function which is meant for the
///    core: nobody is locked or told, and a hotplug port takes the reset for
///    an unplug
///  - ->ignore_hotplug set by hand, against that
///  - the choice between a slot and a bus reset, which the core makes again,
///    and maybe otherwise, when it resets
///  - __pci_reset_function_locked(), which resets the bus if nothing else
///    works, and leaves everything around the reset to its caller
///
/// pci_reset_bus_flags(), or pci_reset_scope_get() and
/// pci_reset_scope_commit(), do all of that.  Which flags replace a caller
/// depends on the locks that it holds and on who else is on the link, so
/// there is no patch mode.
///
// Confidence: High
// Comments: pci_ignore_hotplug() is not reported: its callers announce that
//	the power is going to be switched off, which is not a reset. Neither is
//	a Secondary Bus Reset by hand between pci_hp_ignore_link_change() and
//	pci_hp_unignore_link_change(): the hotplug port has been told
// Options: --no-includes --include-headers
// Keywords: pci_reset_bus_flags, pci_reset_scope_get

virtual context
virtual org
virtual report

@initialize:python@
@@
import os
import re

# Who implements the reset is no caller that should use it:
#
# The core is what lies in drivers/pci itself, and the error recovery in
# drivers/pci/pcie.  The tests do what is wrong on purpose, to see that it is
# survived.  A host controller, an endpoint or a hotplug driver is not exempt
# just because of where it lies, but see below.
core = re.compile('/drivers/pci/([^/]+|(pcie|tests)/.+)$')

# (file, function) that is called by the core to reset a link
method = set()

# (file, line) of a reset of which the hotplug port has been told
told = set()

def relevant(p):
    file = os.path.abspath(p[0].file)
    return not core.search(file) and \
           (p[0].file, p[0].current_element) not in method and \
           (p[0].file, p[0].line) not in told

# What to say about each
SBR = "WARNING: open-coded Secondary Bus Reset, " \
      "consider pci_reset_bus_flags() with PCI_RESET_LINK"
RAW = "WARNING: Secondary Bus Reset without locks, " \
      "consider pci_reset_bus_flags() with PCI_RESET_LINK"
CHOICE = "WARNING: choice between slot and bus reset, " \
         "consider pci_reset_scope_get() with PCI_RESET_LINK"
BARE = "WARNING: reset that saves and restores nothing, " \
       "consider pci_reset_function_locked() " \
       "or pci_reset_bus_flags() with PCI_RESET_LOCKED"
IGNORE = "WARNING: hotplug events ignored by hand, " \
         "pci_reset_bus_flags() does that while it resets"

//----------------------------------------------------------
//  Those that the core calls
//----------------------------------------------------------

// ->reset_slot() of a hotplug driver, known by its type: it may be assigned
// in another file
@reset_slot@
identifier fn, slot, probe;
position m;
@@
int fn@m(struct hotplug_slot *slot, bool probe)
{
	...
}

@script:python@
fn << reset_slot.fn;
m << reset_slot.m;
@@
method.add((m[0].file, fn))

// An architecture's way to do a Secondary Bus Reset
@arch@
identifier dev;
position m;
type T;
@@
T pcibios_reset_secondary_bus@m(struct pci_dev *dev)
{
	...
}

@script:python@
m << arch.m;
@@
method.add((m[0].file, "pcibios_reset_secondary_bus"))

// EEH is the error recovery of powerpc: a platform's part of it resets by
// whatever the platform has
@eeh@
identifier ops;
@@
struct eeh_ops ops = { ... };

//----------------------------------------------------------
//  A driver that does it by hand, but not behind the hotplug port's back
//----------------------------------------------------------

@announced exists@
expression ctl;
position m;
@@
pci_hp_ignore_link_change(...);
... when any
ctl |=@m PCI_BRIDGE_CTL_BUS_RESET
... when any
pci_hp_unignore_link_change(...);

@script:python@
m << announced.m;
@@
told.add((m[0].file, m[0].line))

//----------------------------------------------------------
//  Secondary Bus Reset by hand, whatever reads and writes the register
//----------------------------------------------------------

@sbr depends on !eeh exists@
expression E, ctl, rw;
position p : script:python() { relevant(p) };
@@
(
* ctl |=@p <+... \(PCI_BRIDGE_CTL_BUS_RESET\|0x40\|BIT(6)\) ...+>
|
* ctl =@p E | \(PCI_BRIDGE_CTL_BUS_RESET\|0x40\|BIT(6)\)
)
  ... when any
(
* rw(..., <+... PCI_BRIDGE_CONTROL ...+>, ..., ctl, ...)
|
* rw(..., ctl, ..., <+... PCI_BRIDGE_CONTROL ...+>, ...)
)

@sbr_write depends on !eeh@
expression E, rw;
position p : script:python() { relevant(p) };
@@
(
* rw@p(..., <+... PCI_BRIDGE_CONTROL ...+>, ...,
*      \(PCI_BRIDGE_CTL_BUS_RESET\|E | PCI_BRIDGE_CTL_BUS_RESET\), ...)
|
* rw@p(..., \(PCI_BRIDGE_CTL_BUS_RESET\|E | PCI_BRIDGE_CTL_BUS_RESET\), ...,
*      <+... PCI_BRIDGE_CONTROL ...+>, ...)
)

//----------------------------------------------------------
//  Functions that are meant for the core, called or pointed to
//----------------------------------------------------------

@raw@
symbol pci_bridge_secondary_bus_reset, pcibios_reset_secondary_bus;
symbol pci_reset_secondary_bus;
position p : script:python() { relevant(p) };
@@
(
* pci_bridge_secondary_bus_reset@p
|
* pcibios_reset_secondary_bus@p
|
* pci_reset_secondary_bus@p
)

@choice@
symbol pci_probe_reset_slot, pci_probe_reset_bus;
position p : script:python() { relevant(p) };
@@
(
* pci_probe_reset_slot@p
|
* pci_probe_reset_bus@p
)

@bare@
symbol __pci_reset_function_locked;
position p : script:python() { relevant(p) };
@@
* __pci_reset_function_locked@p

//----------------------------------------------------------
//  Hotplug kept quiet by hand
//----------------------------------------------------------

@ignore@
expression E, V;
position p : script:python() { relevant(p) };
@@
(
* E->ignore_hotplug@p = V
|
* E.ignore_hotplug@p = V
)

//----------------------------------------------------------
//  For org and report mode
//----------------------------------------------------------

@script:python depends on org@
p << sbr.p;
@@
coccilib.org.print_todo(p[0], SBR)

@script:python depends on report@
p << sbr.p;
@@
coccilib.report.print_report(p[0], SBR)

@script:python depends on org@
p << sbr_write.p;
@@
coccilib.org.print_todo(p[0], SBR)

@script:python depends on report@
p << sbr_write.p;
@@
coccilib.report.print_report(p[0], SBR)

@script:python depends on org@
p << raw.p;
@@
coccilib.org.print_todo(p[0], RAW)

@script:python depends on report@
p << raw.p;
@@
coccilib.report.print_report(p[0], RAW)

@script:python depends on org@
p << choice.p;
@@
coccilib.org.print_todo(p[0], CHOICE)

@script:python depends on report@
p << choice.p;
@@
coccilib.report.print_report(p[0], CHOICE)

@script:python depends on org@
p << bare.p;
@@
coccilib.org.print_todo(p[0], BARE)

@script:python depends on report@
p << bare.p;
@@
coccilib.report.print_report(p[0], BARE)

@script:python depends on org@
p << ignore.p;
@@
coccilib.org.print_todo(p[0], IGNORE)

@script:python depends on report@
p << ignore.p;
@@
coccilib.report.print_report(p[0], IGNORE)
