/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A simulated PCIe fabric: what a test needs to build one, to break it and to
 * see what happened.  Documentation/PCI/pci-sim.rst says how to use it,
 * drivers/pci/sim/core.c how it works.
 */
#ifndef _LINUX_PCI_SIM_H
#define _LINUX_PCI_SIM_H

#include <linux/pci.h>
#include <linux/types.h>

struct pci_sim;
struct pci_sim_func;

/* Not assigned by the PCI-SIG, so no hardware answers to it */
#define PCI_SIM_VENDOR_ID		0xfffe
#define PCI_SIM_DEVICE_ROOT_PORT	0x0001
#define PCI_SIM_DEVICE_UPSTREAM		0x0002
#define PCI_SIM_DEVICE_DOWNSTREAM	0x0003
#define PCI_SIM_DEVICE_PCI_BRIDGE	0x0004
#define PCI_SIM_DEVICE_ENDPOINT		0x0010
#define PCI_SIM_DEVICE_VF		0x0011

/* A ready time that never comes */
#define PCI_SIM_NEVER			U32_MAX

/*
 * Vendor-Specific Extended Capability of every simulated Function; a
 * conventional device has no extended capabilities, and the same registers in
 * a Vendor-Specific capability
 */
#define PCI_SIM_VSEC			0x100	/* where it is */
#define PCI_SIM_VNDR			0xc0	/* in a conventional device */
#define PCI_SIM_VSEC_SCRATCH		0x08	/* writable, 0 after any reset */
#define PCI_SIM_VSEC_RESETS		0x0c	/* one counter a kind of reset */

/**
 * enum pci_sim_reset - how a Function came to its power-on state
 * @PCI_SIM_RESET_COLD: power was removed, or the device was unplugged
 * @PCI_SIM_RESET_HOT: its Link went down, or a reset came from above
 * @PCI_SIM_RESET_FLR: Initiate Function Level Reset
 * @PCI_SIM_RESET_AF_FLR: the same, from the Advanced Features capability
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
 * enum pci_sim_irq - what a port interrupts for
 * @PCI_SIM_IRQ_SLOT: events of its slot
 * @PCI_SIM_IRQ_PME: PME, a Root Port
 * @PCI_SIM_IRQ_AER: error messages that have arrived, a Root Port
 * @PCI_SIM_IRQ_DPC: containment
 * @PCI_SIM_IRQS: number of these
 */
enum pci_sim_irq {
	PCI_SIM_IRQ_SLOT,
	PCI_SIM_IRQ_PME,
	PCI_SIM_IRQ_AER,
	PCI_SIM_IRQ_DPC,
	PCI_SIM_IRQS
};

/**
 * struct pci_sim_port_config - a Root Port or Switch Downstream Port
 * @hotplug: the port has a hot-plug capable slot
 * @power_ctrl: the slot has a power controller
 * @button: the slot has an attention button
 * @mrl: the slot has a sensor at its manually operated retention latch
 * @no_cmd_compl: the slot does not report Command Completed
 * @no_late_events: an event of the slot that occurs before its interrupt is
 *		    enabled causes no MSI afterwards, and one that occurs before
 *		    the port is in D3hot no PME; PCIe r6.0, sec 6.7.3.4, leaves
 *		    the former open and excludes the latter
 * @dpc: the port has Downstream Port Containment
 * @intx: the port has no MSI capability
 * @multi_msi: AER and DPC each have an MSI of their own; else all there is to
 *	       interrupt for shares one
 * @no_link_active: the port does not report Data Link Layer Link Active
 * @no_rrs_sv: a Root Port without Configuration RRS Software Visibility
 * @no_acs: the port has no Access Control Services
 * @ptm: a Root Port has Precision Time Measurement
 * @link_sleeps: the Link is down while the port is in D3hot
 * @speed: maximum Link speed, PCI_EXP_LNKCAP_SLS_*; 0 is 8 GT/s
 * @slot: Physical Slot Number, up to 8191; 0 takes the lowest that is free
 * @train_ms: time from Detect to DL_Active; 0 is 20 ms
 * @cmd_us: time until a slot command has completed; 0 is 100 us
 * @irq_us: time from an event to its interrupt; 0 is 1 us
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
 * struct pci_sim_ep_config - a Function of an Endpoint
 * @vendor: Vendor ID; 0 is PCI_SIM_VENDOR_ID, and 1 and 0xffff are none
 * @device: Device ID; 0 is PCI_SIM_DEVICE_ENDPOINT
 * @class: class code and revision; 0 is an unclassified device
 * @dsn: Device Serial Number; 0 leaves the capability out
 * @flr: Function Level Reset
 * @af_flr: Advanced Features capability with Function Level Reset
 * @pm_reset: D3hot to D0 is a reset (No_Soft_Reset is clear)
 * @no_pm: no Power Management capability
 * @imm_ready: says that it is ready at once after any reset, whatever the
 *	       times below are (Immediate Readiness)
 * @imm_ready_d0: says so for the way from D3hot to D0
 * @rtr: Readiness Time Reporting, with the times below; its Reset Time
 *	 includes 20 ms of Link training
 * @conventional: conventional PCI, to be used below a PCIe-to-PCI bridge;
 *		  excludes what needs a PCIe or an extended capability: @flr,
 *		  @dsn, @rtr and @vfs
 * @bar_size: size of BAR 0, a power of two; 0 is 4 KiB
 * @ready_ms: time from the end of a conventional reset until it is ready
 * @flr_ms: time from the start of a Function Level Reset until it is ready
 * @d3_ms: time from D3hot until it is ready, if that is a reset
 * @vfs: TotalVFs; 0 leaves SR-IOV out.  In Function 1 to 7 only if Function 0
 *	 has VFs too
 * @vf_offset: First VF Offset; 0 is 8.  No VF may have the Routing ID of
 *	       another Function
 * @vf_stride: VF Stride; 0 is 8, with which the VFs of several Functions do
 *	       not collide
 * @vf_ms: time from VF Enable until the VFs are ready; 0 is 100 ms
 * @ask_reset: after a non-fatal error its driver asks for a reset, as it does
 *	       after a fatal one
 *
 * A Function that is not ready yet answers with Request Retry Status (PCIe
 * r6.0, sec 2.3.1).  PCI_SIM_NEVER is a time that never comes.
 *
 * VFs have Function Level Reset, which takes @flr_ms.  Those whose Routing ID
 * is beyond the bus of the Endpoint are on the next buses.
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
 * struct pci_sim_counts - what the driver of a simulated Endpoint was told
 * @probe: calls of its probe
 * @remove: calls of its remove
 * @reset_prepare: calls of its reset_prepare
 * @reset_done: calls of its reset_done
 * @error_detected: calls of its error_detected
 * @perm_failure: those with pci_channel_io_perm_failure
 * @mmio_enabled: calls of its mmio_enabled
 * @slot_reset: calls of its slot_reset
 * @resume: calls of its resume
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

typedef void (*pci_sim_action_t)(struct pci_sim_func *f, void *data);
typedef int (*pci_sim_probe_t)(struct pci_dev *pdev, void *data);

/* Life of a fabric */
struct pci_sim *pci_sim_alloc(void);
void pci_sim_set_first_bus(struct pci_sim *sim, u8 busnr);
int pci_sim_start(struct pci_sim *sim);
void pci_sim_destroy(struct pci_sim *sim);
unsigned int pci_sim_alive(void);
void pci_sim_jitter(struct pci_sim *sim, u64 seed, unsigned int percent);

/* What it is made of */
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
 * The same with the configuration written in place:
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

/* What can happen to it; from any context, the config hooks included */
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

/* When it happens */
int pci_sim_at(struct pci_sim_func *f, u64 delay_us, pci_sim_action_t fn,
	       void *data);
void pci_sim_on_read(struct pci_sim_func *f, int where, pci_sim_action_t fn,
		     void *data);
void pci_sim_on_write(struct pci_sim_func *f, int where, pci_sim_action_t fn,
		      void *data);
void pci_sim_on_probe(struct pci_sim_func *f, pci_sim_probe_t fn, void *data);

/* What became of it */
struct pci_dev *pci_sim_get_dev(struct pci_sim_func *f);
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
