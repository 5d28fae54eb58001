{{- define "crossorg.fullname" -}}
{{- $release := ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) (contains .Chart.Name .Release.Name) -}}
{{- .Values.fullnameOverride | default $release | trunc 56 | trimSuffix "-" -}}
{{- end -}}

{{- define "crossorg.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "crossorg.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "crossorg.image" -}}
{{- with .Values.image -}}
{{- .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end -}}

{{- define "crossorg.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "crossorg.testSelector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}-test
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- /* Maps as one; the first that has a key has its say. Written twice, a key would be whatever its reader makes of it. */ -}}
{{- define "crossorg.merged" -}}
{{- $merged := dict -}}
{{- range compact . }}{{ $merged = merge $merged . }}{{ end -}}
{{- toYaml $merged -}}
{{- end -}}

{{- define "crossorg.labels" -}}
{{- $chart := printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" -}}
{{- $own := dict "app.kubernetes.io/version" .Chart.AppVersion "app.kubernetes.io/managed-by" .Release.Service "helm.sh/chart" $chart -}}
{{- include "crossorg.merged" (list (include "crossorg.selector" . | fromYaml) $own .Values.commonLabels) -}}
{{- end -}}

{{- /* Quoted, here and elsewhere: there are names that YAML takes for a number or for true. */ -}}
{{- define "crossorg.metadata" -}}
name: {{ include "crossorg.fullname" . | quote }}
namespace: {{ .Release.Namespace | quote }}
labels: {{- include "crossorg.labels" . | nindent 2 }}
{{- end -}}

{{- /* Where the Datadog Agent of the node finds the metrics. */ -}}
{{- define "crossorg.agentChecks" -}}
ad.datadoghq.com/crossorg.checks: |
  {
    "openmetrics": {
      "instances": [{
        "openmetrics_endpoint": "http://%%host%%:8080/metrics",
        "namespace": "crossorg",
        "raw_metric_prefix": "crossorg_",
        "metrics": [".+"]
      }]
    }
  }
{{- end -}}

{{- /* Most flags can be given once alone, and are. Probes, Service and monitors ask port 8080, on whatever address it is. */ -}}
{{- define "crossorg.extraArg" -}}
{{- $given := "^--(leader-elect|lease-name|listen|log|log-format|metrics-per-object|namespace|observe-only)(=|$)" -}}
{{- if regexReplaceAll "^--listen=.+:8080$" . "" | regexMatch $given -}}
{{- fail (printf "extraArgs: %s: the chart gives this flag itself, from its settings (README.md); the port is 8080" .) -}}
{{- end -}}
{{- . -}}
{{- end -}}
