/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Access to pci-sim through configfs, see Documentation/PCI/pci-sim.rst. Paths are
 * relative to its directory there, e.g. "fabric/port0/endpoint". Functions that
 * return an int return 0 or an errno; a returned string is valid until the next
 * call of the same function by the same thread.
 */
#ifndef SIM_LIB_H
#define SIM_LIB_H

#include <stdbool.h>

/* Make or remove a directory, write an attribute */
int sim_make(const char *path);
int sim_drop(const char *path);
int sim_set(const char *path, const char *value);

/* Read an attribute without its newline; "error N" if that fails */
const char *sim_get(const char *path);

/* A number from an attribute with lines "name number", -1 if @name is not there */
int sim_number(const char *path, const char *name);

/* The address of the PCI device, "" if the kernel has none */
const char *sim_address(const char *path);

/* Remove everything below @path, or all fabrics if it is "", live ones as well */
void sim_drop_all(const char *path);

/* The module: available, loaded, load it, unload it */
bool sim_exists(void);
bool sim_is_loaded(void);
int sim_load(void);
int sim_unload(void);

#endif
