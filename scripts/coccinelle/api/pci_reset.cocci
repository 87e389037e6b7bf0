// SPDX-License-Identifier: GPL-2.0-only
///
/// Find resets of a PCI device or its link that bypass the PCI core:
///  - an open-coded Secondary Bus Reset, or a call of an internal function of
///    the core: no device is locked, no driver is notified, and a hotplug port
///    handles the reset as a surprise removal
///  - ->ignore_hotplug set to avoid that
///  - a choice between slot and bus reset: the core chooses again when it
///    resets, possibly the other one
///  - __pci_reset_function_locked(), which may reset the bus, and neither saves
///    nor restores state
///  - pcie_flr() and pcie_reset_flr(), which do not lock the device either, often
///    the device of another driver, such as a VF
///
/// Use pci_reset_bus_flags(), or pci_reset_scope_get() and
/// pci_reset_scope_commit().  The flags depend on the locks that the caller
/// holds and on the other devices on the link, so there is no patch mode.
///
// Confidence: High
// Comments: pci_ignore_hotplug() is not reported, its callers announce that power
//	will be removed, not a reset. Neither is an open-coded Secondary Bus Reset
//	between pci_hp_ignore_link_change() and pci_hp_unignore_link_change():
//	the hotplug port ignores the link change.
//	Of the Function Level Resets, those of a driver's own device may be
//	right: in ->probe() before the device is enabled, and where a reset by
//	the PCI core, which calls ->reset_prepare(), would wait for itself
// Options: --no-includes --include-headers
// Keywords: pci_reset_bus_flags, pci_reset_scope_get

virtual context
virtual org
virtual report

@initialize:python@
@@
import os
import re

# The implementation is exempt: files in drivers/pci itself, and the error recovery
# in drivers/pci/pcie.  So are the tests, which do what is reported here on purpose.
# Host controller, endpoint and hotplug drivers are not exempt because of their
# directory, but see below.
core = re.compile('/drivers/pci/([^/]+|(pcie|tests)/.+)$')

# (file, function) of functions that the core calls to reset a link
method = set()

# (file, line) of resets that are announced to the hotplug port
announced_resets = set()

def relevant(p):
    file = os.path.abspath(p[0].file)
    return not core.search(file) and \
           (p[0].file, p[0].current_element) not in method and \
           (p[0].file, p[0].line) not in announced_resets

# Messages
SBR = "WARNING: open-coded Secondary Bus Reset, " \
      "consider pci_reset_bus_flags() with PCI_RESET_LINK"
RAW = "WARNING: Secondary Bus Reset without locks, " \
      "consider pci_reset_bus_flags() with PCI_RESET_LINK"
CHOICE = "WARNING: choice between slot and bus reset, " \
         "consider pci_reset_scope_get() with PCI_RESET_LINK"
BARE = "WARNING: reset that saves and restores nothing, " \
       "consider pci_reset_function_locked() " \
       "or pci_reset_bus_flags() with PCI_RESET_LOCKED"
FLR = "WARNING: Function Level Reset without locks that saves and restores " \
      "nothing, consider pci_reset_bus_flags() with PCI_RESET_FLR"
IGNORE = "WARNING: open-coded ignore_hotplug, " \
         "pci_reset_bus_flags() ignores hotplug events during the reset"

//----------------------------------------------------------
//  Functions that the core calls
//----------------------------------------------------------

// ->reset_slot() of a hotplug driver, found by its type, as it may be assigned in
// another file
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

// A Secondary Bus Reset of an architecture
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

// EEH is the error recovery of powerpc, the platform does the resets
@eeh@
identifier ops;
@@
struct eeh_ops ops = { ... };

//----------------------------------------------------------
//  Open-coded resets that are announced to the hotplug port
//----------------------------------------------------------

@announced exists@
expression ctl, E, rw;
position m;
@@
pci_hp_ignore_link_change(...);
... when any
(
ctl |=@m <+... \(PCI_BRIDGE_CTL_BUS_RESET\|0x40\|BIT(6)\) ...+>
|
ctl =@m E | \(PCI_BRIDGE_CTL_BUS_RESET\|0x40\|BIT(6)\)
|
rw@m(..., \(PCI_BRIDGE_CTL_BUS_RESET\|E | PCI_BRIDGE_CTL_BUS_RESET\), ...)
)
... when any
pci_hp_unignore_link_change(...);

@script:python@
m << announced.m;
@@
announced_resets.add((m[0].file, m[0].line))

//----------------------------------------------------------
//  Open-coded Secondary Bus Reset, by any accessor of the register
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
//  Internal functions of the core, called or referenced
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
//  Function Level Reset, other than asking whether it works
//----------------------------------------------------------

@flr@
symbol pcie_flr, pcie_reset_flr;
symbol PCI_METHOD_RESET, PCI_RESET_DO_RESET, false;
position p : script:python() { relevant(p) };
@@
(
* pcie_flr@p(...)
|
* pcie_reset_flr@p(..., \(PCI_METHOD_RESET\|PCI_RESET_DO_RESET\|false\|0\))
)

//----------------------------------------------------------
//  Open-coded ignore_hotplug
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

@script:python depends on org@
p << flr.p;
@@
coccilib.org.print_todo(p[0], FLR)

@script:python depends on report@
p << flr.p;
@@
coccilib.report.print_report(p[0], FLR)
