// SPDX-License-Identifier: Apache-2.0
// NVM Express controllers (NVM Express Base Specification 1.4) with their namespaces, read only.
#ifndef BF_DRIVERS_NVME_H
#define BF_DRIVERS_NVME_H

#include "drivers/controller.h"

enum { BF_NVME_TIMEOUT_US = 30000000 }; // of one command, then the controller is reset, once

// A unit is a namespace identifier.
extern const struct bf_controller_ops bf_nvme;

#endif
