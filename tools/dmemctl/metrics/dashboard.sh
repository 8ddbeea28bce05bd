#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2017 # variables of Grafana; a row has two panels
# Prints a dashboard of Grafana for the metrics of dmemctl-metrics(8).
set -eu

# The machines and regions that are selected at the top.
machine='instance=~"$instance"'
region="$machine,region=~\"\$region\""
id=0
ref=

# text STRING: prints it as a string of JSON.
text()
{
	printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"
}

# panel TYPE UNIT TITLE DESCRIPTION: begins a panel. Two stand side by side.
panel()
{
	[ "$id" = 0 ] || printf ' ] },\n'
	printf '    { "id": %d, "type": "%s", "title": ' $((id + 1)) "$1"
	text "$3"
	printf ', "description": '
	text "$4"
	printf ',\n      "gridPos": { "h": 8, "w": 12, "x": %d, "y": %d },\n' $((id % 2 * 12)) $((id / 2 * 8))
	printf '      "datasource": { "type": "prometheus", "uid": "${datasource}" },\n'
	printf '      "fieldConfig": { "defaults": { "unit": "%s", "min": 0 }, "overrides": [] },\n' "$2"
	case $1 in
	timeseries) printf '      "options": { "legend": { "displayMode": "list", "placement": "bottom" }, "tooltip": { "mode": "multi" } },\n' ;;
	bargauge) printf '      "options": { "displayMode": "basic", "orientation": "vertical", "reduceOptions": { "calcs": ["lastNotNull"] } },\n' ;;
	stat) printf '      "options": { "graphMode": "none", "reduceOptions": { "calcs": ["lastNotNull"] } },\n' ;;
	esac
	printf '      "targets": ['
	id=$((id + 1))
	ref=A
}

# query EXPRESSION LEGEND [FORMAT]: adds a query to the panel.
query()
{
	[ "$ref" = A ] || printf ','
	printf '\n        { "refId": "%s", "expr": ' "$ref"
	text "$1"
	printf ', "legendFormat": '
	text "$2"
	printf ', "format": "%s", "instant": %s }' "${3:-time_series}" "$([ "${3:-}" = heatmap ] && echo true || echo false)"
	ref=$(printf '%s' "$ref" | tr A-Y B-Z)
}

# variable NAME LABEL QUERY: a list of values to select from.
variable()
{
	printf ',\n      { "name": "%s", "label": "%s", "type": "query", "datasource": { "type": "prometheus", "uid": "${datasource}" },\n' "$1" "$2"
	printf '        "query": '
	text "$3"
	printf ', "refresh": 2, "sort": 1, "multi": true, "includeAll": true, "current": { "text": "All", "value": "$__all" } }'
}

cat <<'END'
{
  "uid": "dmem-regions",
  "title": "Device memory regions",
  "description": "Use, limits and refused requests of regions of the dmem controller",
  "tags": ["dmem", "cgroup"],
  "schemaVersion": 39,
  "version": 1,
  "editable": true,
  "refresh": "1m",
  "time": { "from": "now-6h", "to": "now" },
  "timezone": "",
  "annotations": { "list": [] },
  "templating": {
    "list": [
      { "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus" }
END
variable instance Machine 'label_values(dmem_region_capacity_bytes, instance)'
variable region Region 'label_values(dmem_region_capacity_bytes{instance=~"$instance"}, region)'
printf '\n    ]\n  },\n  "panels": [\n'

panel timeseries percentunit 'Use of regions' 'Charged and unaccounted memory in relation to the size.'
query "(dmem_region_charged_bytes{$region} + (dmem_region_unaccounted_bytes{$region} or dmem_region_charged_bytes{$region} * 0)) / (dmem_region_capacity_bytes{$region} > 0)" \
	'{{instance}} {{region}}'
panel timeseries bytes 'Memory of regions' 'Charged to cgroups, in use without a charge, and the size.'
query "dmem_region_charged_bytes{$region}" '{{instance}} {{region}}: charged'
query "dmem_region_unaccounted_bytes{$region}" '{{instance}} {{region}}: unaccounted'
query "dmem_region_capacity_bytes{$region}" '{{instance}} {{region}}: size'
# A unit and the cgroups below it have the same label.
panel timeseries bytes 'Charge of services' 'Memory that is charged to each unit that is no slice.'
query "max by (instance, region, unit) (dmem_cgroup_charged_bytes{$region,unit=~\".+[.](service|scope)\"})" \
	'{{instance}} {{region}} {{unit}}'
panel timeseries percentunit 'Use of limits' 'Charge of each cgroup in relation to its own dmem.max.'
query "dmem_cgroup_charged_bytes{$region} / (dmem_cgroup_max_bytes{$region} > 0)" '{{instance}} {{region}} {{cgroup}}'
panel timeseries short 'Refused requests' 'For each reason: a limit, a region without room, or a reservation of others.'
query "max by (instance, region, reason) (increase(dmem_cgroup_refused_total{$region}[\$__rate_interval]))" \
	'{{instance}} {{region}}: {{reason}}'
panel timeseries bytes 'Reservations' 'dmem.min of each cgroup that reserves memory.'
query "dmem_cgroup_min_bytes{$region} > 0" '{{instance}} {{region}} {{cgroup}}'
panel timeseries bytes 'Free memory and its largest run' 'A buffer of a CMA area needs one run. Only root can read the largest one.'
query "dmem_region_free_bytes{$region}" '{{instance}} {{region}}: free'
query "dmem_region_largest_free_bytes{$region}" '{{instance}} {{region}}: largest run'
# The format makes differences of the counts, which include those of smaller sizes.
panel bargauge short 'Sizes of buffers' 'Number of buffers of at most this size that are larger than the size to the left. Needs dmemctl metrics --buffers.'
query "sum by (le) (dmem_region_buffer_size_bytes_bucket{$region})" '{{le}}' heatmap
panel stat s 'Age of the metrics' 'Since dmemctl metrics has written the file that node_exporter reads.'
query "time() - node_textfile_mtime_seconds{$machine,file=~\"(.*/)?dmem[^/]*[.]prom\"}" '{{instance}}'
panel stat short 'Machines that can be read' '1, or 0 if dmemctl metrics found no region or could not read the cgroups.'
query "dmem_scrape_success{$machine}" '{{instance}}'
printf ' ] }\n  ]\n}\n'
