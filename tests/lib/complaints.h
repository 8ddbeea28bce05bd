/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares the messages of dmem-generator and dmemctl verify about the same units. */
#ifndef COMPLAINTS_H
#define COMPLAINTS_H

/*
 * @generator: lines of dmem-generator without its name; @verify: lines of dmemctl verify. verify
 * must report all problems that the generator reports, except that long words are cut. It may
 * report more: warnings, keys in other sections, and files in places that no program reads. Returns
 * NULL, or the difference.
 */
const char *complaints_differ(const char *generator, const char *verify);

#endif
