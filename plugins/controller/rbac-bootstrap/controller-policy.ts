/**
 * What upstream's controllers may do, in the notation of `policy.ts`. Those of this cluster are
 * plugins with grants of their own; these are for programs that run with such an account.
 *
 * Each is bound to the service account of its name in kube-system, and called
 * `system:controller:<name>`.
 */
export const CONTROLLER_ROLES = `
attachdetach-controller
  list,watch persistentvolumeclaims,persistentvolumes
  read nodes
  patch,update nodes/status
  list,watch pods
  report events @core,events
  create,delete,read volumeattachments @storage
  read csidrivers @storage
  read csinodes @storage
certificate-controller
  delete,read certificatesigningrequests @certificates
  update certificatesigningrequests/approval,certificatesigningrequests/status @certificates
  approve signers @certificates =kubernetes.io/kube-apiserver-client-kubelet
  sign signers @certificates =kubernetes.io/kube-apiserver-client,kubernetes.io/kube-apiserver-client-kubelet,kubernetes.io/kubelet-serving,kubernetes.io/legacy-unknown
  create subjectaccessreviews @authorization
  report events @core,events
clusterrole-aggregation-controller
  escalate,read,patch,update clusterroles @rbac
cronjob-controller
  read,update cronjobs @batch
  create,delete,read,patch,update jobs @batch
  update cronjobs/status @batch
  update cronjobs/finalizers @batch
  delete,list,watch pods
  report events @core,events
daemon-set-controller
  read daemonsets @apps,extensions
  update daemonsets/status @apps,extensions
  update daemonsets/finalizers @apps,extensions
  list,watch nodes
  create,delete,list,patch,watch pods
  create pods/binding
  create,delete,read,patch,update controllerrevisions @apps
  report events @core,events
deployment-controller
  read,update deployments @apps,extensions
  update deployments/status @apps,extensions
  update deployments/finalizers @apps,extensions
  create,delete,read,patch,update replicasets @apps,extensions
  read,update pods
  report events @core,events
disruption-controller
  read deployments @apps,extensions
  read replicasets @apps,extensions
  read replicationcontrollers
  read poddisruptionbudgets @policy
  read statefulsets @apps
  update poddisruptionbudgets/status @policy
  patch,update pods/status
  get */scale @*
  report events @core,events
endpoint-controller
  read pods,services
  create,delete,read,update endpoints
  create endpoints/restricted
  report events @core,events
endpointslice-controller
  read nodes,pods,services
  update services/finalizers
  create,delete,read,update endpointslices @discovery
  report events @core,events
endpointslicemirroring-controller
  read endpoints,services
  update services/finalizers
  update endpoints/finalizers
  create,delete,read,update endpointslices @discovery
  report events @core,events
ephemeral-volume-controller
  read pods
  update pods/finalizers
  create,read persistentvolumeclaims
  report events @core,events
expand-controller
  read,patch,update persistentvolumes
  patch,update persistentvolumeclaims/status
  read persistentvolumeclaims
  report events @core,events
generic-garbage-collector
  delete,read,patch,update * @*
  report events @core,events
horizontal-pod-autoscaler
  read horizontalpodautoscalers @autoscaling
  update horizontalpodautoscalers/status @autoscaling
  get,update */scale @*
  list,watch pods
  list,watch pods @metrics.k8s.io
  read * @custom.metrics.k8s.io
  read * @external.metrics.k8s.io
  report events @core,events
job-controller
  read,patch,update jobs @batch
  update jobs/status @batch
  update jobs/finalizers @batch
  create,delete,list,patch,watch pods
  report events @core,events
legacy-service-account-token-cleaner
  get configmaps =kube-apiserver-legacy-service-account-token-tracking
  delete,patch secrets
namespace-controller
  delete,read namespaces
  update namespaces/finalize,namespaces/status
  delete,deletecollection,read * @*
node-controller
  delete,read,patch,update nodes
  patch,update nodes/status
  patch,update pods/status
  delete,read pods
  report events @core,events
persistent-volume-binder
  create,delete,read,update persistentvolumes
  update persistentvolumes/status
  read,update persistentvolumeclaims
  update persistentvolumeclaims/status
  create,delete,read pods
  read storageclasses @storage
  list,watch nodes
  report events @core,events
  watch events
pod-garbage-collector
  delete,list,watch pods
  read nodes
  patch pods/status
pv-protection-controller
  read,update persistentvolumes
  report events @core,events
pvc-protection-controller
  read,update persistentvolumeclaims
  read pods
  report events @core,events
replicaset-controller
  read,update replicasets @apps,extensions
  update replicasets/status @apps,extensions
  update replicasets/finalizers @apps,extensions
  create,delete,list,patch,watch pods
  report events @core,events
replication-controller
  read,update replicationcontrollers
  update replicationcontrollers/status
  update replicationcontrollers/finalizers
  create,delete,list,patch,watch pods
  report events @core,events
resource-claim-controller
  read pods
  update pods/finalizers
  create,delete,read resourceclaims @resource
  read resourceclaimtemplates @resource
  patch,update resourceclaims,resourceclaims/status @resource
  patch,update pods/status
  report events @core,events
resourcequota-controller
  list,watch * @*
  update resourcequotas/status
  report events @core,events
root-ca-cert-publisher
  create,update configmaps
  report events @core,events
route-controller
  list,watch nodes
  patch nodes/status
  report events @core,events
service-account-controller
  create serviceaccounts
  report events @core,events
service-controller
  read services
  patch,update services/status
  list,watch nodes
  report events @core,events
statefulset-controller
  list,watch pods
  read statefulsets @apps
  update statefulsets/status @apps
  update statefulsets/finalizers @apps
  create,delete,get,patch,update pods
  create,delete,read,patch,update controllerrevisions @apps
  create,read persistentvolumeclaims
  delete,update persistentvolumeclaims
  update pods/finalizers
  report events @core,events
ttl-after-finished-controller
  delete,read jobs @batch
  report events @core,events
ttl-controller
  list,patch,update,watch nodes
  report events @core,events
validatingadmissionpolicy-status-controller
  read validatingadmissionpolicies @admissionregistration
  get,patch,update validatingadmissionpolicies/status @admissionregistration
  report events @core,events
`;
