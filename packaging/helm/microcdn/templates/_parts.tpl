{{- define "microcdn.pod" -}}
# Kubernetes makes variables of each service's name; none of them is a setting.
enableServiceLinks: false
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
volumes:
  - name: settings
    configMap: {name: {{ .Release.Name }}-settings}
  - name: tmp
    emptyDir: {}
  {{- if .Values.keySecret }}
  - name: keys
    secret: {secretName: {{ .Values.keySecret }}, defaultMode: 0440}
  {{- end }}
{{- end }}

{{- define "microcdn.container" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  - name: POD
    valueFrom: {fieldRef: {fieldPath: metadata.name}}
  - {name: MICROCDN__INDEX__ADMINBIND, value: 0.0.0.0}
  - {name: MICROCDN__MONITOR__ADMINBIND, value: 0.0.0.0}
  - {name: MICROCDN__CONTENT__ADMINBIND, value: 0.0.0.0}
  {{- if .Values.keySecret }}
  - {name: CREDENTIALS_DIRECTORY, value: /keys}
  {{- end }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: settings, mountPath: /etc/microcdn, readOnly: true}
  - {name: state, mountPath: /state}
  - {name: tmp, mountPath: /tmp}
  {{- if .Values.keySecret }}
  - {name: keys, mountPath: /keys, readOnly: true}
  {{- end }}
livenessProbe:
  httpGet: {path: /healthz, port: admin}
readinessProbe:
  httpGet: {path: /readyz, port: admin}
resources: {{- toYaml .Values.resources | nindent 2 }}
{{- end }}
