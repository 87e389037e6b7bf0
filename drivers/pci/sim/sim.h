/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PCIe fabric simulator: what its files share.  See fabric.c for an overview.
 */
#ifndef _DRIVERS_PCI_SIM_SIM_H
#define _DRIVERS_PCI_SIM_SIM_H

#include <linux/bitmap.h>
#include <linux/cleanup.h>
#include <linux/hrtimer.h>
#include <linux/irqdomain.h>
#include <linux/list.h>
#include <linux/pci.h>
#include <linux/pci-sim.h>
#include <linux/prandom.h>
#include <linux/spinlock.h>
#include <linux/timerqueue.h>

/* Config space that is stored; above it reads return 0, writes are dropped */
#define SIM_CFG_SIZE		0x200
#define SIM_CFG_DWORDS		(SIM_CFG_SIZE / 4)

/* Capability offsets, the same in every Function that has the capability */
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
#define SIM_SRIOV		0x1c0	/* Endpoints */
#define SIM_PTM			0x1c0	/* Root Ports */

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
#define PCI_RTR_VALUE			0x1ff	/* each time, in 32^scale ns */
#define PCI_RTR_SCALE			0xe00

#define SIM_NR_INTX		4
#define SIM_NR_MSI		512

/* Physical Slot Number has 13 bits, PCIe r6.0, sec 7.5.3.9 */
#define SIM_NR_SLOTS		8192

struct pci_sim_func;

/**
 * struct sim_event - an event in the simulated time of a fabric
 * @node: entry in &pci_sim.queue, with the time of the event
 * @fn: callback, called in hard interrupt context with &pci_sim.lock held
 */
struct sim_event {
	struct timerqueue_node node;
	void (*fn)(struct sim_event *ev);
};

/**
 * struct sim_write - a config write to one dword
 * @old: value of the dword before the write
 * @new: value after the write, before its side effects
 * @raw: data written, 0 in bytes that are not written
 * @mask: all ones in bytes that are written, 0 in others
 */
struct sim_write {
	u32 old;
	u32 new;
	u32 raw;
	u32 mask;
};

/**
 * struct sim_reg - description of one dword of config space
 * @offset: offset from the start of the header or capability
 * @por: power-on value
 * @rw: writable bits
 * @w1c: bits that are cleared by writing 1
 * @sticky: bits that keep their value in any reset but a cold one
 * @flr_keep: bits that keep their value in a Function Level Reset
 * @written: side effect of a write, called with &pci_sim.lock held, or NULL
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
 * @por: power-on value in this Function
 * @rw: writable bits in this Function
 * @reg: description, NULL if the dword is reserved
 */
struct sim_dword {
	u32 val;
	u32 por;
	u32 rw;
	const struct sim_reg *reg;
};

/**
 * struct sim_irq - an interrupt source of a Function
 * @event: the interrupt, @us after its condition became true
 * @func: the Function
 * @us: latency in microseconds
 * @pending: @event sends an MSI, even if the condition is false by then
 */
struct sim_irq {
	struct sim_event event;
	struct pci_sim_func *func;
	u32 us;
	bool pending;
};

/**
 * enum sim_state - state of a Function, in the order in which it powers up
 * @SIM_OFF: no power
 * @SIM_RESET: power, held in reset
 * @SIM_INIT: out of reset, not ready: config reads complete with RRS
 * @SIM_READY: ready
 */
enum sim_state {
	SIM_OFF,
	SIM_RESET,
	SIM_INIT,
	SIM_READY,
};

/**
 * struct sim_hook - a test's callback for the next access to a register
 * @where: offset in config space, dword aligned
 * @fn: callback, called without &pci_sim.lock; NULL if there is none
 * @data: argument of @fn
 */
struct sim_hook {
	int where;
	pci_sim_action_t fn;
	void *data;
};

/**
 * struct sim_port - state of a Root Port or Downstream Port
 * @config: configuration, with the defaults filled in
 * @card: Function 0 of the card in the slot, or NULL
 * @link_up: the Link is in DL_Active
 * @stuck: Link training does not complete, see pci_sim_link_stuck()
 * @dropped: the Link is held down until @restored, see pci_sim_link_flap()
 * @mrl_open: the Manually-operated Retention Latch is open
 * @power_fault: the power controller has removed power
 * @fault_permanent: the power controller trips whenever power is turned on
 * @no_pme: Slot Status bits that cause no PME, because they were set before
 *	    the port entered D3hot; see &pci_sim_port_config.no_late_events
 * @pme_pending: another PM_PME waits until PME Status is cleared (Root Port)
 * @pme_source: Requester ID of that PM_PME
 * @train: end of Link training
 * @restored: end of @dropped
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
 * @node: entry in &pci_sim.functions; unused in a VF
 * @type: PCI_EXP_TYPE_*
 * @devfn: device and Function number; unused in a VF
 * @upstream: bridge whose secondary bus the Function is on; NULL on the root
 *	      bus and while not plugged in
 * @sibling: entry in @below of @upstream or in &pci_sim.root_bus; in a VF, in
 *	     @vfs of its PF
 * @below: bridge: Functions on its secondary bus
 * @card: Function 0 of the device that the Function is part of
 * @functions: Function 0: all Functions of the device, without VFs
 * @function: entry in @functions of @card
 * @vfs: PF: its VFs
 * @pf: VF: its PF
 * @vf_offset: VF: its Routing ID minus that of the PF
 * @state: power, reset and readiness
 * @ready_ms: milliseconds from the end of a conventional reset, in a VF from
 *	      VF Enable, until the Function is ready
 * @flr_ms: milliseconds from Initiate Function Level Reset until it is ready
 * @d3_ms: milliseconds from D3hot until it is ready, if that is a reset
 * @ready: end of SIM_INIT
 * @irq: interrupt sources
 * @irq_us: latency last set for all of @irq, in microseconds
 * @irq_sources: mask of the sources in @irq whose condition was true when last
 *		 looked at; only used with MSI, which is sent when one rises
 * @intx: INTx is asserted
 * @intx_pin: the pin on the root bus that it is asserted on, 0 for INTA
 * @port: state of a Root Port or Downstream Port
 * @resets: number of resets of each kind
 * @counts: number of calls of each callback of the driver of an Endpoint
 * @ask_reset: that driver returns PCI_ERS_RESULT_NEED_RESET for any
 *	       uncorrectable error
 * @on_call: a test's callback in those of that driver, or NULL
 * @call_data: argument of @on_call
 * @on_read: callback for the next config read
 * @on_write: callback for the next config write
 * @last_cap: offset of the last capability in the list, 0 if there is none
 * @last_ext: offset of the last extended capability, 0 if there is none
 * @cfg: config space
 *
 * Locking: @sim, @type, @devfn, @card, @pf, @vf_offset, @ask_reset, the list
 * @vfs, @port.config, @last_cap, @last_ext and the descriptions in @cfg do not
 * change once the Function is part of the fabric, and may be read without a
 * lock.  @node and @functions only change when a Function is added, see
 * &struct pci_sim.  All else is protected by &pci_sim.lock.
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
	pci_sim_call_t on_call;
	void *call_data;
	struct sim_hook on_read;
	struct sim_hook on_write;
	u16 last_cap;
	u16 last_ext;
	struct sim_dword cfg[SIM_CFG_DWORDS];
};

/**
 * struct pci_sim - a fabric
 * @sysdata: sysdata of the buses, as x86 expects it
 * @lock: protects the state of the fabric and of all its Functions
 * @queue: pending events, sorted by time
 * @timer: expires at the first event in @queue
 * @deliver: delivers pending interrupts, see sim_events_init()
 * @stopped: no event is queued or run any more
 * @functions: all Functions but VFs, plugged in or not
 * @root_bus: Functions on the root bus
 * @actions: actions queued by pci_sim_at()
 * @bridge: host bridge, NULL before pci_sim_start()
 * @started: the kernel has enumerated the fabric
 * @window: memory window of the host bridge
 * @busn: bus numbers of the host bridge
 * @error: error of a function that adds Functions, returned by pci_sim_start()
 * @slots: Physical Slot Numbers in use
 * @on_reset: a test's callback on each reset of a Function, or NULL
 * @reset_data: argument of @on_reset
 * @rnd: pseudo-random numbers for @jitter and @access_us
 * @jitter: maximum that is added to each time, in percent of it
 * @access_us: maximum time that a config access takes, in microseconds
 * @intx_domain: interrupt domain of INTA to INTD
 * @msi_domain: parent domain of MSIs
 * @intx_count: number of Functions that assert each INTx
 * @intx_masked: INTx that are masked
 * @intx_due: INTx to be delivered by @deliver
 * @irq_kick: makes the timer expire, to deliver an interrupt again
 * @msi_lock: protects @msi_used
 * @msi_used: allocated MSIs
 * @msi_due: MSIs to be delivered by @deliver
 *
 * Locking: @lock protects all members from @queue on, with these exceptions.
 * @deliver, @bridge, @started, @window, @busn and the interrupt domains are
 * set while the kernel has no device of the fabric, and do not change as long
 * as it has one.  @error and @slots are only used by the functions that add
 * Functions; the caller serializes these with each other, with
 * pci_sim_start() and with all that walks @functions without @lock.
 *
 * Lock order, outermost first:
 *
 *   pci_lock		config accesses (not with CONFIG_PCI_LOCKLESS_CONFIG)
 *   irq_desc::lock	sim_intx_mask() and sim_intx_unmask()
 *   pci_sim::lock
 *   hrtimer base	hrtimer_start()
 *
 * So @lock is dropped around interrupt handlers and around the callbacks of a
 * test.  The irq domain mutex is taken before @msi_lock, within which no other
 * lock is taken; @lock and @msi_lock are not held together.
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
	pci_sim_reset_t on_reset;
	void *reset_data;
	struct rnd_state rnd;
	unsigned int jitter;
	u32 access_us;

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

/* Value of the dword at an offset; the caller holds the lock of the fabric */
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

/* Whether a Function has the capability at an offset, one of SIM_* */
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
