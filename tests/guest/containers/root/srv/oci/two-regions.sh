#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# In the directory of the bundle.
set -e
runc create camera
echo 'cma/display@60000000 4M' >/sys/fs/cgroup/containers/camera/dmem.max
runc start camera
