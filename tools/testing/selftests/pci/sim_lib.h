/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pci-sim through configfs, see Documentation/PCI/pci-sim.rst. Paths are relative
 * to its directory there, "fabric/port0/endpoint". Results are 0 or an errno,
 * texts stay what they are until the same thread asks for the next one.
 */
#ifndef SIM_LIB_H
#define SIM_LIB_H

#include <stdbool.h>

/* A directory, an attribute */
int sim_make(const char *path);
int sim_drop(const char *path);
int sim_set(const char *path, const char *value);

/* The text without the newline at its end; "error N" if it cannot be read */
const char *sim_get(const char *path);

/* One number of an attribute with lines of "name number", -1 without it */
int sim_number(const char *path, const char *name);

/* Where the kernel has the device, "" if it has none */
const char *sim_address(const char *path);

/* All that is below, or a fabric is: directories below first, live ones stopped */
void sim_drop_all(const char *path);

/* The module */
bool sim_exists(void);
bool sim_is_loaded(void);
int sim_load(void);
int sim_unload(void);

#endif
