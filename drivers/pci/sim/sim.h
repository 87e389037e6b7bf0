/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Internals of the simulated PCIe fabric, shared between its files
 */
#ifndef _DRIVERS_PCI_SIM_SIM_H
#define _DRIVERS_PCI_SIM_SIM_H

#include <linux/bitmap.h>
#include <linux/hrtimer.h>
#include <linux/irqdomain.h>
#include <linux/list.h>
#include <linux/pci.h>
#include <linux/pci-sim.h>
#include <linux/prandom.h>
#include <linux/spinlock.h>
#include <linux/timerqueue.h>

/* Everything that has a meaning is below this; the rest reads as 0 */
#define SIM_CFG_SIZE		0x200
#define SIM_CFG_DWORDS		(SIM_CFG_SIZE / 4)

/* Where the capabilities are, in every Function that has them */
#define SIM_PM			0x40
#define SIM_MSI			0x48
#define SIM_EXP			0x70
#define SIM_AF			0xb0
#define SIM_RTR			0x120
#define SIM_ARI			0x130
#define SIM_AER			0x140
#define SIM_DSN			0x190
#define SIM_ACS			0x1a0
#define SIM_DPC			0x1b0
#define SIM_SRIOV		0x1c0	/* an Endpoint */
#define SIM_PTM			0x1c0	/* a Root Port */

/*
 * Not in linux/pci_regs.h: PCIe r6.0, sec 7.9.14.3, 7.9.3, 7.5.2.1 and 7.9.16
 */
#define PCI_EXP_DPC_CTL_SW_TRIGGER	0x0040
#define PCI_DSN_LOW			0x04
#define PCI_DSN_HIGH			0x08
#define PCI_PM_CAP_IMM_READY_D0		0x0010
#define PCI_EXT_CAP_ID_RTR		0x22
#define PCI_RTR_1			0x04	/* Readiness Time Reporting 1 */
#define  PCI_RTR_1_RESET		0x00000fff
#define  PCI_RTR_1_DL_UP		0x00fff000
#define  PCI_RTR_1_VALID		0x80000000
#define PCI_RTR_2			0x08	/* Readiness Time Reporting 2 */
#define  PCI_RTR_2_FLR			0x00000fff
#define  PCI_RTR_2_D3HOT		0x00fff000
#define PCI_RTR_VALUE			0x1ff	/* of each time, in 32^scale ns */
#define PCI_RTR_SCALE			0xe00

#define SIM_NR_INTX		4
#define SIM_NR_MSI		512

/* Physical Slot Number has 13 bits, PCIe r6.0, sec 7.5.3.9 */
#define SIM_NR_SLOTS		8192

struct pci_sim_func;

/**
 * struct sim_event - something that will happen at a time to come
 * @node: place in the fabric's queue
 * @fn: what happens; called with the fabric's lock held
 */
struct sim_event {
	struct timerqueue_node node;
	void (*fn)(struct sim_event *ev);
};

/**
 * struct sim_write - a write to one dword of config space
 * @old: value before
 * @new: value after, before any effect
 * @raw: what was written, 0 in bytes that were not
 * @mask: bytes that were written
 */
struct sim_write {
	u32 old;
	u32 new;
	u32 raw;
	u32 mask;
};

/**
 * struct sim_reg - description of one dword of config space
 * @offset: offset in the header or capability
 * @por: value after power-on
 * @rw: writable bits
 * @w1c: bits that are cleared by writing 1
 * @sticky: bits that only removing power brings back to @por
 * @flr_keep: bits that a Function Level Reset leaves alone
 * @written: effect of a write
 */
struct sim_reg {
	u16 offset;
	u32 por;
	u32 rw;
	u32 w1c;
	u32 sticky;
	u32 flr_keep;
	void (*written)(struct pci_sim_func *f, const struct sim_write *w);
};

/**
 * struct sim_dword - one dword of a Function's config space
 * @val: current value
 * @por: value after power-on, in this Function
 * @rw: writable bits, in this Function
 * @reg: description
 */
struct sim_dword {
	u32 val;
	u32 por;
	u32 rw;
	const struct sim_reg *reg;
};

/**
 * struct sim_irq - an interrupt condition of a Function
 * @event: end of the time until it takes effect
 * @func: Function
 * @us: that time
 * @pending: an MSI is to be sent for it
 */
struct sim_irq {
	struct sim_event event;
	struct pci_sim_func *func;
	u32 us;
	bool pending;
};

/**
 * enum sim_state - how far a Function is from answering
 * @SIM_OFF: without power
 * @SIM_RESET: held in reset
 * @SIM_INIT: out of reset, not ready
 * @SIM_READY: ready
 */
enum sim_state {
	SIM_OFF,
	SIM_RESET,
	SIM_INIT,
	SIM_READY,
};

/**
 * struct sim_hook - an action of the test on an access to a register
 * @where: register, dword aligned
 * @fn: action, or NULL
 * @data: its argument
 */
struct sim_hook {
	int where;
	pci_sim_action_t fn;
	void *data;
};

/**
 * struct sim_port - what a Root Port or Downstream Port has of its own
 * @config: what the test asked for
 * @card: Function 0 of what is plugged in
 * @link_up: the Link is in DL_Active
 * @stuck: the Link does not come up however often it trains
 * @dropped: the Link has gone down by itself
 * @mrl_open: the manually operated retention latch is open
 * @power_fault: the power controller has cut power by itself
 * @fault_permanent: it trips again as soon as it is switched on
 * @no_pme: events of the slot that occurred before the port was in D3hot, if
 *	    they cause no PME
 * @pme_pending: PM_PME that waits for Root Status to be free
 * @pme_source: its Requester ID
 * @train: end of Link training
 * @restored: the Link that went down by itself may train again
 * @command: completion of a slot command
 */
struct sim_port {
	struct pci_sim_port_config config;
	struct pci_sim_func *card;
	bool link_up;
	bool stuck;
	bool dropped;
	bool mrl_open;
	bool power_fault;
	bool fault_permanent;
	u16 no_pme;
	bool pme_pending;
	u16 pme_source;
	struct sim_event train;
	struct sim_event restored;
	struct sim_event command;
};

/**
 * struct pci_sim_func - a simulated Function
 * @sim: fabric
 * @node: entry in the fabric's list of all Functions
 * @type: PCI_EXP_TYPE_*
 * @devfn: device and Function number
 * @upstream: bridge whose secondary bus it is on, or NULL
 * @sibling: entry in @below of @upstream or in the fabric's root bus; in a VF,
 *	     in @vfs of its PF
 * @below: Functions on the secondary bus
 * @card: Function 0 of the device that it belongs to
 * @functions: in Function 0, all Functions of the device
 * @function: entry in @functions
 * @vfs: in a PF, its VFs
 * @pf: in a VF, its PF
 * @vf_offset: in a VF, distance of its Routing ID from that of the PF
 * @state: how far it is from answering
 * @ready_ms: time to become ready after a conventional reset, or in a VF after
 *	      VF Enable
 * @flr_ms: time to become ready after a Function Level Reset
 * @d3_ms: time to become ready after D3hot
 * @ready: end of that time
 * @irq: interrupt conditions
 * @irq_us: what their times were set to last, all at the same time
 * @irq_sources: those that are true
 * @intx: INTx is asserted
 * @intx_pin: which, as it arrives at the root bus
 * @port: if it is a Root Port or Downstream Port
 * @resets: resets that happened, by kind
 * @counts: what its driver was told
 * @ask_reset: its driver asks for a reset after any uncorrectable error
 * @on_probe: action in its driver's probe
 * @probe_data: argument of @on_probe
 * @on_read: action on a config read
 * @on_write: action on a config write
 * @last_cap: dword that holds the end of the capability list
 * @last_ext: dword that holds the end of the extended capability list
 * @cfg: config space
 */
struct pci_sim_func {
	struct pci_sim *sim;
	struct list_head node;
	int type;
	u8 devfn;
	struct pci_sim_func *upstream;
	struct list_head sibling;
	struct list_head below;
	struct pci_sim_func *card;
	struct list_head functions;
	struct list_head function;
	struct list_head vfs;
	struct pci_sim_func *pf;
	u16 vf_offset;
	enum sim_state state;
	u32 ready_ms;
	u32 flr_ms;
	u32 d3_ms;
	struct sim_event ready;
	struct sim_irq irq[PCI_SIM_IRQS];
	u32 irq_us;
	unsigned int irq_sources;
	bool intx;
	u8 intx_pin;
	struct sim_port port;
	unsigned int resets[PCI_SIM_RESET_KINDS];
	struct pci_sim_counts counts;
	bool ask_reset;
	pci_sim_probe_t on_probe;
	void *probe_data;
	struct sim_hook on_read;
	struct sim_hook on_write;
	u16 last_cap;
	u16 last_ext;
	struct sim_dword cfg[SIM_CFG_DWORDS];
};

/**
 * struct pci_sim - a fabric
 * @sysdata: what the architecture wants to find behind a bus
 * @lock: protects everything below, in all Functions as well
 * @queue: events to come
 * @timer: fires at the first of them
 * @deliver: delivers the interrupts that are due, see sim_events_init()
 * @stopped: no event fires any more
 * @functions: all Functions, plugged or not
 * @root_bus: Functions on the root bus
 * @actions: of the test, see pci_sim_at()
 * @bridge: host bridge, once pci_sim_start() was called
 * @started: the kernel has enumerated the fabric
 * @window: memory window of the host bridge
 * @busn: its bus numbers
 * @error: what went wrong while the fabric was built
 * @slots: Physical Slot Numbers that are taken
 * @rnd: source of jitter
 * @jitter: how much of it, in percent
 * @intx_domain: INTA to INTD
 * @msi_domain: MSI
 * @intx_count: Functions that assert each INTx
 * @intx_masked: INTx that the kernel has masked
 * @intx_due: INTx to be delivered
 * @irq_kick: delivery of an interrupt once more
 * @msi_lock: protects @msi_used
 * @msi_used: MSIs that are allocated
 * @msi_due: MSIs to be delivered
 */
struct pci_sim {
#ifdef CONFIG_X86
	struct pci_sysdata sysdata;
#endif
	raw_spinlock_t lock;
	struct timerqueue_head queue;
	struct hrtimer timer;
	void (*deliver)(struct pci_sim *sim);
	bool stopped;
	struct list_head functions;
	struct list_head root_bus;
	struct list_head actions;
	struct pci_host_bridge *bridge;
	bool started;
	struct resource window;
	struct resource busn;
	int error;
	DECLARE_BITMAP(slots, SIM_NR_SLOTS);
	struct rnd_state rnd;
	unsigned int jitter;

	struct irq_domain *intx_domain;
	struct irq_domain *msi_domain;
	unsigned int intx_count[SIM_NR_INTX];
	unsigned long intx_masked;
	unsigned long intx_due;
	struct sim_event irq_kick;
	raw_spinlock_t msi_lock;
	DECLARE_BITMAP(msi_used, SIM_NR_MSI);
	DECLARE_BITMAP(msi_due, SIM_NR_MSI);
};

static inline bool sim_is_port(const struct pci_sim_func *f)
{
	return f->type == PCI_EXP_TYPE_ROOT_PORT ||
	       f->type == PCI_EXP_TYPE_DOWNSTREAM;
}

static inline bool sim_is_bridge(const struct pci_sim_func *f)
{
	return f->type != PCI_EXP_TYPE_ENDPOINT;
}

static inline u32 *sim_val(struct pci_sim_func *f, int where)
{
	return &f->cfg[where / 4].val;
}

static inline pci_power_t sim_power_state(u32 pm_ctrl)
{
	return (__force pci_power_t)(pm_ctrl & PCI_PM_CTRL_STATE_MASK);
}

static inline u16 sim_bridge_control(struct pci_sim_func *f)
{
	return *sim_val(f, PCI_INTERRUPT_LINE) >> 16;
}

static inline bool sim_has(struct pci_sim_func *f, int cap)
{
	return f->cfg[cap / 4].reg;
}

/* event.c */
void sim_event_init(struct sim_event *ev, void (*fn)(struct sim_event *ev));
void sim_event_queue(struct pci_sim *sim, struct sim_event *ev, u64 delay_us);
void sim_event_cancel(struct pci_sim *sim, struct sim_event *ev);
u64 sim_jitter_ms(struct pci_sim *sim, u32 ms);
void sim_events_init(struct pci_sim *sim, void (*deliver)(struct pci_sim *sim));
void sim_events_stop(struct pci_sim *sim);
void sim_actions_cancel(struct pci_sim *sim);
void sim_actions_free(struct pci_sim *sim);

/* route.c */
struct pci_sim *sim_of_bus(struct pci_bus *bus);
void sim_set_upstream(struct pci_sim_func *f, struct pci_sim_func *upstream);
u16 sim_requester_id(struct pci_sim_func *f);
bool sim_bridge_forwards(struct pci_sim_func *f);
struct pci_sim_func *sim_route(struct pci_sim *sim, u8 busnr,
			       unsigned int devfn);

/* config.c */
void sim_cfg_reset(struct pci_sim_func *f, enum pci_sim_reset kind);
u32 sim_cfg_read(struct pci_sim_func *f, int where, int size);
void sim_cfg_write(struct pci_sim_func *f, int where, int size, u32 val);

/* irq.c */
int sim_irq_init(struct pci_sim *sim);
void sim_irq_exit(struct pci_sim *sim);
void sim_irq_synchronize(struct pci_sim *sim);
void sim_irq_init_func(struct pci_sim_func *f);
void sim_irq_update(struct pci_sim_func *f);
void sim_irq_skip_slot(struct pci_sim_func *f);
void sim_irq_reset(struct pci_sim_func *f);
void sim_irq_deliver(struct pci_sim *sim);
int sim_map_irq(const struct pci_dev *pdev, u8 slot, u8 pin);

/* error.c */
void sim_pme(struct pci_sim_func *f);
void sim_wrote_root_status(struct pci_sim_func *f, const struct sim_write *w);
void sim_wrote_dpc_control(struct pci_sim_func *f, const struct sim_write *w);
void sim_wrote_dpc_status(struct pci_sim_func *f, const struct sim_write *w);

/* slot.c */
void sim_slot_init(struct pci_sim_func *port);
bool sim_slot_powered(struct pci_sim_func *port);
void sim_slot_status(struct pci_sim_func *port, u16 set);
void sim_slot_reset(struct pci_sim_func *port);
void sim_slot_sleeps(struct pci_sim_func *port, bool sleeps);
void sim_wrote_slot_control(struct pci_sim_func *f, const struct sim_write *w);
bool sim_slot_holds(struct pci_sim_func *port, struct pci_sim_func *card);
void sim_slot_pull(struct pci_sim_func *port, struct pci_sim_func *card);

/* iov.c */
void sim_iov_init(struct pci_sim_func *f);
void sim_iov_update(struct pci_sim_func *pf);
void sim_wrote_sriov_control(struct pci_sim_func *f, const struct sim_write *w);

/* link.c */
void sim_link_init(struct pci_sim_func *f);
void sim_link_drop(struct pci_sim_func *port, u32 ms);
void sim_secondary_update(struct pci_sim_func *bridge);
void sim_func_release(struct pci_sim_func *f);
void sim_func_reset_below(struct pci_sim_func *f, enum pci_sim_reset kind);
void sim_func_reset_self(struct pci_sim_func *f, enum pci_sim_reset kind,
			 u32 ready_ms);
void sim_wrote_bridge_control(struct pci_sim_func *f,
			      const struct sim_write *w);
void sim_wrote_pm_control(struct pci_sim_func *f, const struct sim_write *w);
void sim_wrote_device_control(struct pci_sim_func *f,
			      const struct sim_write *w);
void sim_wrote_link_control(struct pci_sim_func *f, const struct sim_write *w);
void sim_wrote_af_control(struct pci_sim_func *f, const struct sim_write *w);

/* regs.c */
int sim_cfg_init_port(struct pci_sim_func *f);
void sim_cfg_init_upstream(struct pci_sim_func *f);
void sim_cfg_init_pci_bridge(struct pci_sim_func *f);
void sim_cfg_add_sriov(struct pci_sim_func *f, u16 vfs, u16 offset,
		       u16 stride);
int sim_cfg_init_ep(struct pci_sim_func *f,
		    const struct pci_sim_ep_config *config);
void sim_cfg_init_vf(struct pci_sim_func *f,
		     const struct pci_sim_ep_config *config);
void sim_cfg_link_functions(struct pci_sim_func *f, struct pci_sim_func *next);

/* request.c */
extern struct pci_ops sim_pci_ops;
struct pci_sim_func *sim_of_dev(struct pci_dev *pdev);

/* fabric.c */
void sim_settle(struct pci_sim *sim);
unsigned int sim_bus_numbers(struct pci_sim *sim);

/* driver.c */
extern struct pci_driver sim_driver;
int sim_counts_emit(struct pci_sim_func *f, char *page);

/* configfs.c */
int sim_configfs_init(void);
void sim_configfs_exit(void);

#endif /* _DRIVERS_PCI_SIM_SIM_H */
