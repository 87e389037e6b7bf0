/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PCIe fabric simulator: functions for tests to build a simulated fabric, to
 * cause events in it and to look at the result.
 *
 * See Documentation/PCI/pci-sim.rst for how to use it, and the first comment in
 * drivers/pci/sim/fabric.c for how it works.
 */
#ifndef _LINUX_PCI_SIM_H
#define _LINUX_PCI_SIM_H

#include <linux/pci.h>
#include <linux/types.h>

struct pci_sim;
struct pci_sim_func;

/* Not assigned by the PCI-SIG, so no hardware has this Vendor ID */
#define PCI_SIM_VENDOR_ID		0xfffe
#define PCI_SIM_DEVICE_ROOT_PORT	0x0001
#define PCI_SIM_DEVICE_UPSTREAM		0x0002
#define PCI_SIM_DEVICE_DOWNSTREAM	0x0003
#define PCI_SIM_DEVICE_PCI_BRIDGE	0x0004
#define PCI_SIM_DEVICE_ENDPOINT		0x0010
#define PCI_SIM_DEVICE_VF		0x0011

/* For times in milliseconds: the Function never becomes ready */
#define PCI_SIM_NEVER			U32_MAX

/*
 * Every simulated Function has these registers in a Vendor-Specific Extended
 * Capability.  A conventional device has no extended capabilities; it has them
 * in a Vendor-Specific Capability.
 */
#define PCI_SIM_VSEC			0x100	/* offset of the former */
#define PCI_SIM_VNDR			0xc0	/* offset of the latter */
#define PCI_SIM_VSEC_SCRATCH		0x08	/* writable, cleared by reset */
#define PCI_SIM_VSEC_RESETS		0x0c	/* counters, by pci_sim_reset */

/**
 * enum pci_sim_reset - kinds of reset
 * @PCI_SIM_RESET_COLD: power was removed, or the device was unplugged
 * @PCI_SIM_RESET_HOT: the Link of the Function went down, or a bridge above it
 *		       was reset
 * @PCI_SIM_RESET_FLR: Function Level Reset by the PCI Express Capability
 * @PCI_SIM_RESET_AF_FLR: Function Level Reset by the Advanced Features
 *			  Capability
 * @PCI_SIM_RESET_PM: D3hot to D0 with No_Soft_Reset clear
 * @PCI_SIM_RESET_KINDS: number of kinds
 */
enum pci_sim_reset {
	PCI_SIM_RESET_COLD,
	PCI_SIM_RESET_HOT,
	PCI_SIM_RESET_FLR,
	PCI_SIM_RESET_AF_FLR,
	PCI_SIM_RESET_PM,
	PCI_SIM_RESET_KINDS
};

/**
 * enum pci_sim_irq - interrupt sources of a port
 * @PCI_SIM_IRQ_SLOT: hot-plug events
 * @PCI_SIM_IRQ_PME: PME, only in a Root Port
 * @PCI_SIM_IRQ_AER: error messages received, only in a Root Port
 * @PCI_SIM_IRQ_DPC: Downstream Port Containment
 * @PCI_SIM_IRQS: number of sources
 */
enum pci_sim_irq {
	PCI_SIM_IRQ_SLOT,
	PCI_SIM_IRQ_PME,
	PCI_SIM_IRQ_AER,
	PCI_SIM_IRQ_DPC,
	PCI_SIM_IRQS
};

/**
 * enum pci_sim_call - callbacks of the driver of a simulated Endpoint
 * @PCI_SIM_PROBE: probe(), after it has enabled the device
 * @PCI_SIM_REMOVE: remove()
 * @PCI_SIM_RESET_PREPARE: reset_prepare()
 * @PCI_SIM_RESET_DONE: reset_done()
 * @PCI_SIM_ERROR_DETECTED: error_detected()
 * @PCI_SIM_MMIO_ENABLED: mmio_enabled()
 * @PCI_SIM_SLOT_RESET: slot_reset(), after it has restored the device
 * @PCI_SIM_RESUME: resume()
 */
enum pci_sim_call {
	PCI_SIM_PROBE,
	PCI_SIM_REMOVE,
	PCI_SIM_RESET_PREPARE,
	PCI_SIM_RESET_DONE,
	PCI_SIM_ERROR_DETECTED,
	PCI_SIM_MMIO_ENABLED,
	PCI_SIM_SLOT_RESET,
	PCI_SIM_RESUME
};

/**
 * struct pci_sim_port_config - configuration of a Root Port or Downstream Port
 * @hotplug: the port has a hot-plug capable slot
 * @power_ctrl: the slot has a Power Controller
 * @button: the slot has an Attention Button
 * @mrl: the slot has a sensor for its Manually-operated Retention Latch
 * @no_cmd_compl: the slot does not report Command Completed
 * @no_late_events: no MSI is sent for hot-plug events from before their
 *		    interrupt was enabled, and no PME for those from before the
 *		    port entered D3hot.  PCIe r6.0, sec 6.7.3.4, permits either
 *		    behavior for the MSI, but requires the PME
 * @dpc: the port has Downstream Port Containment
 * @intx: the port has no MSI capability and interrupts by INTx
 * @multi_msi: AER and DPC each have an MSI of their own; otherwise all sources
 *	       share one
 * @no_link_active: the port does not report Data Link Layer Link Active
 * @no_rrs_sv: Root Port: no Configuration RRS Software Visibility
 * @no_acs: the port has no Access Control Services
 * @ptm: Root Port: Precision Time Measurement
 * @link_sleeps: the Link is down while the port is in D3hot
 * @speed: maximum Link speed, PCI_EXP_LNKCAP_SLS_*; 0 is 8 GT/s
 * @slot: Physical Slot Number, 1 to 8191; 0 takes the lowest free one
 * @train_ms: milliseconds from Detect to DL_Active; 0 is 20
 * @cmd_us: microseconds until a slot command completes; 0 is 100
 * @irq_us: microseconds from an event to its interrupt; 0 is 1
 */
struct pci_sim_port_config {
	bool hotplug;
	bool power_ctrl;
	bool button;
	bool mrl;
	bool no_cmd_compl;
	bool no_late_events;
	bool dpc;
	bool intx;
	bool multi_msi;
	bool no_link_active;
	bool no_rrs_sv;
	bool no_acs;
	bool ptm;
	bool link_sleeps;
	u8 speed;
	u16 slot;
	u32 train_ms;
	u32 cmd_us;
	u32 irq_us;
};

/**
 * struct pci_sim_ep_config - configuration of a Function of an Endpoint
 * @vendor: Vendor ID; 0 is PCI_SIM_VENDOR_ID.  0x0001 and 0xffff are invalid:
 *	    software takes them for RRS and for no device
 * @device: Device ID; 0 is PCI_SIM_DEVICE_ENDPOINT
 * @class: Class Code in the upper 24 bits, Revision ID in the lower 8; 0 is an
 *	   unclassified device
 * @dsn: Device Serial Number; 0 for none
 * @flr: Function Level Reset by the PCI Express Capability
 * @af_flr: Function Level Reset by the Advanced Features Capability
 * @pm_reset: D3hot to D0 is a reset (No_Soft_Reset is clear)
 * @no_pm: no Power Management Capability
 * @imm_ready: Immediate Readiness is set: the Function reports that it is ready
 *	       right after any reset, independent of the times below
 * @imm_ready_d0: Immediate_Readiness_on_Return_to_D0 is set
 * @rtr: Readiness Time Reporting, with the times below; its Reset Time is 20 ms
 *	 longer than @ready_ms, for Link training.  No time may exceed 17 s
 * @conventional: conventional PCI device, only below a PCIe-to-PCI bridge;
 *		  excludes @flr, @dsn, @rtr and @vfs, which need PCI Express or
 *		  extended capabilities
 * @bar_size: size of BAR 0 in bytes, a power of two, at least 128; 0 is 4096
 * @ready_ms: milliseconds from the end of a conventional reset until the
 *	      Function is ready
 * @flr_ms: milliseconds from the start of a Function Level Reset until it is
 *	    ready
 * @d3_ms: milliseconds from D3hot until it is ready, with @pm_reset
 * @vfs: TotalVFs; 0 is no SR-IOV.  In Functions 1 to 7 only if Function 0 has
 *	 VFs too
 * @vf_offset: First VF Offset; 0 is 8.  No VF may have the Routing ID of
 *	       another Function
 * @vf_stride: VF Stride; 0 is 8, with which the VFs of different Functions of a
 *	       device do not collide
 * @vf_ms: milliseconds from VF Enable until the VFs are ready; 0 is 100
 * @ask_reset: the driver of the Endpoint asks for a reset not only after a
 *	       fatal error but also after a non-fatal one
 *
 * A Function that is not ready completes config requests with Request Retry
 * Status (PCIe r6.0, sec 2.3.1).  All times in milliseconds may be
 * PCI_SIM_NEVER, unless @rtr is set.
 *
 * VFs have Function Level Reset, which takes @flr_ms.  Bus numbers above that
 * of the Endpoint are used for VFs whose Routing ID does not fit on its bus.
 */
struct pci_sim_ep_config {
	u16 vendor;
	u16 device;
	u32 class;
	u64 dsn;
	bool flr;
	bool af_flr;
	bool pm_reset;
	bool no_pm;
	bool imm_ready;
	bool imm_ready_d0;
	bool rtr;
	bool conventional;
	u32 bar_size;
	u32 ready_ms;
	u32 flr_ms;
	u32 d3_ms;
	u16 vfs;
	u16 vf_offset;
	u16 vf_stride;
	u32 vf_ms;
	bool ask_reset;
};

/**
 * struct pci_sim_counts - calls of the driver of a simulated Endpoint
 * @probe: calls of probe()
 * @remove: calls of remove()
 * @reset_prepare: calls of reset_prepare()
 * @reset_done: calls of reset_done()
 * @error_detected: calls of error_detected()
 * @perm_failure: those of error_detected() with pci_channel_io_perm_failure
 * @mmio_enabled: calls of mmio_enabled()
 * @slot_reset: calls of slot_reset()
 * @resume: calls of resume()
 */
struct pci_sim_counts {
	unsigned int probe;
	unsigned int remove;
	unsigned int reset_prepare;
	unsigned int reset_done;
	unsigned int error_detected;
	unsigned int perm_failure;
	unsigned int mmio_enabled;
	unsigned int slot_reset;
	unsigned int resume;
};

/**
 * typedef pci_sim_action_t - callback of pci_sim_at(), pci_sim_on_read() or
 *			      pci_sim_on_write()
 * @f: Function that it was set for
 * @data: argument that it was set with
 *
 * Context: pci_sim_at(): hard interrupt.  Others: that of the config access;
 * interrupts may be disabled and pci_lock held.  May call every function of
 * this header whose context is "Any".
 */
typedef void (*pci_sim_action_t)(struct pci_sim_func *f, void *data);

/**
 * typedef pci_sim_call_t - callback of pci_sim_on_call()
 * @pdev: device whose driver is called
 * @call: which of its callbacks is called
 * @data: argument that it was set with
 *
 * Context: May sleep.  The device lock of @pdev is held.
 * Return: 0 to let the driver go on as usual.  Otherwise what the driver
 * returns instead: from probe() a negative errno, for error recovery a
 * pci_ers_result_t; for others it has no meaning.
 */
typedef int (*pci_sim_call_t)(struct pci_dev *pdev, enum pci_sim_call call,
			      void *data);

/**
 * typedef pci_sim_reset_t - callback of pci_sim_on_reset()
 * @f: Function that is being reset, or VF
 * @kind: kind of reset
 * @data: argument that it was set with
 *
 * Context: Any.  The fabric is locked: no function of this header may be called
 * for it.
 */
typedef void (*pci_sim_reset_t)(struct pci_sim_func *f,
				enum pci_sim_reset kind, void *data);

/* A fabric, from allocation to removal */
struct pci_sim *pci_sim_alloc(void);
void pci_sim_set_first_bus(struct pci_sim *sim, u8 busnr);
int pci_sim_start(struct pci_sim *sim);
void pci_sim_destroy(struct pci_sim *sim);
unsigned int pci_sim_alive(void);
void pci_sim_jitter(struct pci_sim *sim, u64 seed, unsigned int percent);
void pci_sim_access_time(struct pci_sim *sim, u32 max_us);

/* The parts of a fabric; the caller serializes these functions */
struct pci_sim_func *
pci_sim_add_root_port(struct pci_sim *sim,
		      const struct pci_sim_port_config *config);
struct pci_sim_func *pci_sim_add_switch(struct pci_sim *sim,
					struct pci_sim_func *port);
struct pci_sim_func *
pci_sim_add_downstream_port(struct pci_sim_func *upstream,
			    const struct pci_sim_port_config *config);
struct pci_sim_func *pci_sim_add_pci_bridge(struct pci_sim *sim,
					    struct pci_sim_func *port);
struct pci_sim_func *
pci_sim_add_endpoint(struct pci_sim *sim, struct pci_sim_func *port,
		     const struct pci_sim_ep_config *config);
struct pci_sim_func *
pci_sim_add_function(struct pci_sim_func *ep,
		     const struct pci_sim_ep_config *config);
struct pci_sim_func *pci_sim_vf(struct pci_sim_func *pf, unsigned int n);

/*
 * The same, with the members of the configuration as arguments:
 *
 *	port = pci_sim_root_port(sim, .hotplug = true);
 *	ep = pci_sim_endpoint(sim, port, .flr = true, .dsn = 1);
 */
#define pci_sim_root_port(sim, ...)					\
	pci_sim_add_root_port(sim,					\
			      &(struct pci_sim_port_config){ __VA_ARGS__ })
#define pci_sim_downstream_port(upstream, ...)				\
	pci_sim_add_downstream_port(upstream,				\
			      &(struct pci_sim_port_config){ __VA_ARGS__ })
#define pci_sim_endpoint(sim, port, ...)				\
	pci_sim_add_endpoint(sim, port,					\
			     &(struct pci_sim_ep_config){ __VA_ARGS__ })
#define pci_sim_function(ep, ...)					\
	pci_sim_add_function(ep,					\
			     &(struct pci_sim_ep_config){ __VA_ARGS__ })

/* Events, from any context, including callbacks of pci_sim_on_read() etc. */
int pci_sim_plug(struct pci_sim_func *port, struct pci_sim_func *card);
struct pci_sim_func *pci_sim_unplug(struct pci_sim_func *port);
void pci_sim_mrl(struct pci_sim_func *port, bool open);
void pci_sim_press_button(struct pci_sim_func *port);
void pci_sim_power_fault(struct pci_sim_func *port, bool permanent);
void pci_sim_link_stuck(struct pci_sim_func *port, bool stuck);
void pci_sim_link_flap(struct pci_sim_func *port, u32 ms);
void pci_sim_set_ready_ms(struct pci_sim_func *f, u32 ms);
void pci_sim_set_flr_ms(struct pci_sim_func *f, u32 ms);
void pci_sim_set_d3_ms(struct pci_sim_func *f, u32 ms);
void pci_sim_set_irq_us(struct pci_sim_func *f, u32 us);
void pci_sim_set_one_irq_us(struct pci_sim_func *f, enum pci_sim_irq irq,
			    u32 us);
void pci_sim_uncor_error(struct pci_sim_func *f, u32 status);
void pci_sim_cor_error(struct pci_sim_func *f, u32 status);
int pci_sim_dpc_trigger(struct pci_sim_func *port);

/* Callbacks at a given time or on a given access */
int pci_sim_at(struct pci_sim_func *f, u64 delay_us, pci_sim_action_t fn,
	       void *data);
void pci_sim_on_read(struct pci_sim_func *f, int where, pci_sim_action_t fn,
		     void *data);
void pci_sim_on_write(struct pci_sim_func *f, int where, pci_sim_action_t fn,
		      void *data);
void pci_sim_on_call(struct pci_sim_func *f, pci_sim_call_t fn, void *data);
void pci_sim_on_reset(struct pci_sim *sim, pci_sim_reset_t fn, void *data);

/* The state of a fabric */
struct pci_dev *pci_sim_get_dev(struct pci_sim_func *f);
struct pci_sim_func *pci_sim_of_dev(struct pci_dev *pdev);
u32 pci_sim_peek(struct pci_sim_func *f, int where);
unsigned int pci_sim_resets(struct pci_sim_func *f, enum pci_sim_reset kind);
unsigned int pci_sim_resets_all(struct pci_sim_func *f);
bool pci_sim_link_is_up(struct pci_sim_func *port);
bool pci_sim_is_reachable(struct pci_sim_func *f);
struct pci_sim_func *pci_sim_next(struct pci_sim *sim, struct pci_sim_func *f);
struct pci_sim_func *pci_sim_card(struct pci_sim_func *port);
struct pci_sim_func *pci_sim_upstream(struct pci_sim_func *f);
const struct pci_sim_port_config *
pci_sim_get_port_config(struct pci_sim_func *f);
struct pci_sim_counts pci_sim_counts(struct pci_sim_func *f);

#endif /* _LINUX_PCI_SIM_H */
