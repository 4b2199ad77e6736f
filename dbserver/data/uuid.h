/* SPDX-License-Identifier: Apache-2.0 */
/* The database's row names are plain UUIDs. */
#pragma once

#include "core/base/uuid.h"
