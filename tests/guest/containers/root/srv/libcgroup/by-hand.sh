#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
set -e
cgcreate -g dmem:camera
cgset -r 'dmem.max=cma/camera@64000000 8M' camera
cgset -r 'dmem.max=cma/display@60000000 4M' camera
