# SPDX-License-Identifier: GPL-2.0-or-later
# Prints each mistake in a dashboard of Grafana as a line.
def need(ok; text): if ok then empty else text end;
def kind(v): v | type;
def overlap(a; b): a.x < b.x + b.w and b.x < a.x + a.w and a.y < b.y + b.h and b.y < a.y + a.h;
def same(list): (list | length) != (list | unique | length);

need(kind(.uid) == "string" and (.uid | test("^[A-Za-z0-9_-]{1,40}$")); "uid is no identifier"),
need(kind(.title) == "string" and .title != ""; "there is no title"),
need(kind(.schemaVersion) == "number" and .schemaVersion >= 36; "schemaVersion is old"),
need(has("id") | not; "id belongs to one server"),
need(kind(.time.from) == "string" and kind(.time.to) == "string"; "there is no time range"),
need([.templating.list[] | select(.type == "datasource" and .query == "prometheus") | .name] == ["datasource"];
	"the data source is no variable"),
(["datasource", "__rate_interval"] + [.templating.list[].name]) as $known |
(.templating.list[] | select(.type == "query") |
	need(.datasource.uid == "${datasource}" and kind(.query) == "string"; "variable \(.name) has no query")),
need((.panels | length) >= 5; "there are few panels"),
need(same([.panels[].id]) | not; "two panels have one id"),
need(same([.panels[].title]) | not; "two panels have one title"),
([.panels[].gridPos] as $at | range($at | length) as $i | range($i) as $k |
	need(overlap($at[$i]; $at[$k]) | not; "panels \($i + 1) and \($k + 1) overlap")),
(.panels[] | . as $panel | "panel \(.title): " as $where |
	need(.type | IN("timeseries", "stat", "bargauge"); $where + "unknown type"),
	need(kind(.id) == "number" and .id > 0; $where + "no id"),
	need(.gridPos | .w > 0 and .h > 0 and .x >= 0 and .y >= 0 and .x + .w <= 24; $where + "it is outside of the grid"),
	need(.datasource == { type: "prometheus", uid: "${datasource}" }; $where + "wrong data source"),
	need(.fieldConfig.defaults.unit | IN("bytes", "percentunit", "short", "s"); $where + "unknown unit"),
	need(kind(.description) == "string" and .description != ""; $where + "no description"),
	need((.targets | length) > 0; $where + "no query"),
	need(same([.targets[].refId]) | not; $where + "two queries have one refId"),
	(.targets[] |
		need(kind(.expr) == "string" and .expr != ""; $where + "no expression"),
		need(.refId | test("^[A-Z]$"); $where + "no refId"),
		need(kind(.legendFormat) == "string" and .legendFormat != ""; $where + "no legend"),
		need(.expr | test("instance=~\"\\$instance\""); $where + "it ignores the selected machines"),
		(.expr | scan("\\$([A-Za-z_]+)")[0] | . as $v |
			need($known | index([$v]) != null; $where + "unknown variable $\($v)"))))
