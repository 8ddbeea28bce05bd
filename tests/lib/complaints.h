/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What dmem-generator and dmemctl verify say of the same units. */
#ifndef COMPLAINTS_H
#define COMPLAINTS_H

/*
 * @generator: the lines of dmem-generator, without its name; @verify: those of dmemctl verify.
 * All that the one says, the other must say, but that a long word is cut. Verify may say more:
 * warnings, keys in other sections, and of files in places that nobody reads. NULL, or how
 * they differ.
 */
const char *complaints_differ(const char *generator, const char *verify);

#endif
