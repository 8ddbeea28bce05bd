/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the JSON of "dmemctl plan" by its keys. Numbers are bytes, or -1: there is none. */
#ifndef ANSWER_H
#define ANSWER_H

/* The object of a region, or NULL. */
const char *answer_region(const char *json, const char *region);

/* A number of the region, of its reservations ("reserved_in" and the keys that follow its services),
 * or of its trial. */
long long answer_number(const char *region, const char *key);
long long answer_of_reservations(const char *region, const char *key);
long long answer_trial_number(const char *region, const char *key);

/* A number of a service, by the path of its cgroup: in the plan of the region, or in its trial. */
long long answer_service(const char *region, const char *cgroup, const char *key);
long long answer_trial(const char *region, const char *cgroup, const char *key);

#endif
