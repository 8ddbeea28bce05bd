// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds a unit or cgroup of the command line, and its state in systemd. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "target.h"

bool target_any_unit(char **words, int n)
{
	for (int i = 0; i < n; i++) {
		if (!strchr(words[i], '/'))
			return true;
	}
	return false;
}

static int ask_systemd(struct ctl *c, struct manager *m, struct dmem_words *all, const char *word,
		       struct dmem_word *w)
{
	struct unit_state s;
	int ret = manager_unit(c, m, all->arena, w->name, &s);

	if (ret)
		return ret;
	if (!strcmp(s.load, "not-found"))
		return dmem_word_top_cgroup(all, word, w) ? dmem_word_not_found(all, word, w) : 0;
	if (!strcmp(s.load, "masked"))
		return dmem_word_masked(all, w);
	w->name = s.id;
	w->type = dmem_unit_type(s.id);
	w->cgroup = s.cgroup;
	return w->type == DMEM_SLICE || w->type == DMEM_SCOPE ?
		dmem_word_not_elsewhere(all, word, w) : 0;
}

static int find(struct ctl *c, struct manager *m, struct dmem_words *all, const char *word,
		struct dmem_word *w)
{
	int ret = dmem_word_parse(all, word, w);

	if (ret)
		return ret;
	/* systemd knows no templates, only their instances. */
	if (w->kind == DMEM_WORD_UNIT && m->bus && !dmem_unit_is_template(w->name))
		return ask_systemd(c, m, all, word, w);
	return dmem_word_find(all, word, w);
}

int target_find(struct ctl *c, struct manager *m, struct dmem_arena *a, const char *word,
		struct target *t)
{
	struct dmem_sys sys;
	struct dmem_words all = {
		.sys = &sys, .arena = a, .kinds = DMEM_WORD_UNIT | DMEM_WORD_CGROUP,
	};
	struct dmem_word w = { 0 };
	int ret = dmem_sys_open(&sys, c->sysroot);

	if (ret) {
		cli_error(&c->cli, "%s: %s", c->sysroot ? c->sysroot : "/", strerror(-ret));
		return ret;
	}
	ret = find(c, m, &all, word, &w);
	dmem_words_free(&all);
	dmem_sys_close(&sys);
	if (ret && w.problem)
		cli_error(&c->cli, "%s", w.problem);
	*t = (struct target){
		.unit = w.kind == DMEM_WORD_UNIT ? w.name : NULL, .type = w.type,
		.cgroup = w.cgroup,
	};
	return ret;
}
