/**
 * What every cluster may do from the start, as Kubernetes 1.32 has it, and
 * 1.34 for `resource.k8s.io`. A line without indent names
 * a role and what it is labelled or made up of; the indented ones below are its rules:
 *
 *     <verbs> <resources> [@<groups>] [=<names>]
 *     <verbs> URLS:<paths>
 *
 * each a list with commas. Groups without a dot are those of the table in `policy-text.ts`; none:
 * the core group.
 */
export const CLUSTER_ROLES = `
cluster-admin
  * * @*
  * URLS:*
admin aggregates:admin
edit aggregates:edit label:admin
view aggregates:view label:edit
system:aggregate-to-admin label:admin
  create localsubjectaccessreviews @authorization
  write,read rolebindings,roles @rbac
system:aggregate-to-edit label:edit
  read pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy
  impersonate serviceaccounts
  write pods,pods/attach,pods/exec,pods/portforward,pods/proxy
  create pods/eviction
  write configmaps,events,persistentvolumeclaims,replicationcontrollers,replicationcontrollers/scale,secrets,serviceaccounts,services,services/proxy
  create serviceaccounts/token
  write daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,replicasets/scale,statefulsets,statefulsets/scale @apps
  write horizontalpodautoscalers @autoscaling
  write cronjobs,jobs @batch
  write daemonsets,deployments,deployments/rollback,deployments/scale,ingresses,networkpolicies,replicasets,replicasets/scale,replicationcontrollers/scale @extensions
  write poddisruptionbudgets @policy
  write ingresses,networkpolicies @networking
  write,read leases @coordination
  write resourceclaims,resourceclaimtemplates @resource
system:aggregate-to-view label:view
  read configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/status
  read bindings,events,limitranges,namespaces/status,pods/log,pods/status,replicationcontrollers/status,resourcequotas,resourcequotas/status
  read namespaces
  read endpointslices @discovery
  read controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,replicasets,replicasets/scale,replicasets/status,statefulsets,statefulsets/scale,statefulsets/status @apps
  read horizontalpodautoscalers,horizontalpodautoscalers/status @autoscaling
  read cronjobs,cronjobs/status,jobs,jobs/status @batch
  read daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,ingresses,ingresses/status,networkpolicies,replicasets,replicasets/scale,replicasets/status,replicationcontrollers/scale @extensions
  read poddisruptionbudgets,poddisruptionbudgets/status @policy
  read ingresses,ingresses/status,networkpolicies @networking
  read resourceclaims,resourceclaims/status,resourceclaimtemplates @resource
system:auth-delegator
  create tokenreviews @authentication
  create subjectaccessreviews @authorization
system:basic-user
  create selfsubjectaccessreviews,selfsubjectrulesreviews @authorization
  create selfsubjectreviews @authentication
system:certificates.k8s.io:certificatesigningrequests:nodeclient
  create certificatesigningrequests/nodeclient @certificates
system:certificates.k8s.io:certificatesigningrequests:selfnodeclient
  create certificatesigningrequests/selfnodeclient @certificates
system:certificates.k8s.io:kube-apiserver-client-approver
  approve signers @certificates =kubernetes.io/kube-apiserver-client
system:certificates.k8s.io:kube-apiserver-client-kubelet-approver
  approve signers @certificates =kubernetes.io/kube-apiserver-client-kubelet
system:certificates.k8s.io:kubelet-serving-approver
  approve signers @certificates =kubernetes.io/kubelet-serving
system:certificates.k8s.io:legacy-unknown-approver
  approve signers @certificates =kubernetes.io/legacy-unknown
system:discovery
  get URLS:/api,/api/*,/apis,/apis/*,/healthz,/livez,/openapi,/openapi/*,/readyz,/version,/version/
system:heapster
  read events,namespaces,nodes,pods
  read deployments @extensions
system:kube-aggregator
  read endpoints,services
system:kube-controller-manager
  report events @core,events
  create leases @coordination
  get,update leases @coordination =kube-controller-manager
  create secrets,serviceaccounts
  delete secrets
  get configmaps,namespaces,secrets,serviceaccounts
  update secrets,serviceaccounts
  create tokenreviews @authentication
  create subjectaccessreviews @authorization
  list,watch * @*
  create serviceaccounts/token
system:kube-dns
  list,watch endpoints,services
system:kube-scheduler
  report events @core,events
  create leases @coordination
  get,update leases @coordination =kube-scheduler
  read nodes
  delete,read pods
  create bindings,pods/binding
  patch,update pods/status
  read replicationcontrollers,services
  read replicasets @apps,extensions
  read statefulsets @apps
  read poddisruptionbudgets @policy
  read persistentvolumeclaims,persistentvolumes
  create tokenreviews @authentication
  create subjectaccessreviews @authorization
  read csinodes @storage
  read namespaces
  read csidrivers @storage
  read csistoragecapacities @storage
  read deviceclasses,resourceslices @resource
  read,patch,update resourceclaims,resourceclaims/status @resource
  read,patch,update pods/finalizers
system:kubelet-api-admin
  read nodes
  proxy nodes
  * nodes/log,nodes/metrics,nodes/proxy,nodes/stats
system:monitoring
  get URLS:/healthz,/healthz/*,/livez,/livez/*,/metrics,/metrics/slis,/readyz,/readyz/*
system:node
  create tokenreviews @authentication
  create localsubjectaccessreviews,subjectaccessreviews @authorization
  read services
  create,read nodes
  patch,update nodes/status
  patch,update nodes
  report events
  read pods
  create,delete pods
  patch,update pods/status
  create pods/eviction
  read configmaps,secrets
  get persistentvolumeclaims,persistentvolumes
  get endpoints
  create,read certificatesigningrequests @certificates
  create,delete,get,patch,update leases @coordination
  get volumeattachments @storage
  create serviceaccounts/token
  get,patch,update persistentvolumeclaims/status
  read csidrivers @storage
  create,delete,get,patch,update csinodes @storage
  read runtimeclasses @node
  get resourceclaims @resource
  deletecollection resourceslices @resource
system:node-bootstrapper
  create,read certificatesigningrequests @certificates
system:node-problem-detector
  get nodes
  patch nodes/status
  report events @core,events
system:node-proxier
  list,watch endpoints,services
  read nodes
  report events @core,events
  list,watch endpointslices @discovery
system:persistent-volume-provisioner
  create,delete,read persistentvolumes
  read,update persistentvolumeclaims
  read storageclasses @storage
  watch events
  report events @core,events
system:public-info-viewer
  get URLS:/healthz,/livez,/readyz,/version,/version/
system:service-account-issuer-discovery
  get URLS:/.well-known/openid-configuration,/openid/v1/jwks
system:volume-scheduler
  read,patch,update persistentvolumes
  read storageclasses @storage
  read,patch,update persistentvolumeclaims
`;

/** Roles of namespaces: `<namespace>/<name>`. */
export const ROLES = `
kube-public/system:controller:bootstrap-signer
  read configmaps
  update configmaps =cluster-info
  report events @core,events
kube-system/extension-apiserver-authentication-reader
  read configmaps =extension-apiserver-authentication
kube-system/system::leader-locking-kube-controller-manager
  create,read,update leases @coordination
kube-system/system::leader-locking-kube-scheduler
  create,read,update leases @coordination
kube-system/system:controller:bootstrap-signer
  read secrets
kube-system/system:controller:cloud-provider
  create,read configmaps
kube-system/system:controller:token-cleaner
  delete,read secrets
  report events @core,events
`;

/** `<name> [role:<name>] <subjects>`: the role bears the binding's name unless another is said. */
export const CLUSTER_ROLE_BINDINGS = `
cluster-admin group:system:masters
system:basic-user group:system:authenticated
system:discovery group:system:authenticated
system:kube-controller-manager user:system:kube-controller-manager
system:kube-dns account:kube-system/kube-dns
system:kube-scheduler user:system:kube-scheduler
system:monitoring group:system:monitoring
system:node
system:node-proxier user:system:kube-proxy
system:public-info-viewer group:system:authenticated group:system:unauthenticated
system:service-account-issuer-discovery group:system:serviceaccounts
system:volume-scheduler user:system:kube-scheduler
`;

export const ROLE_BINDINGS = `
kube-public/system:controller:bootstrap-signer account:kube-system/bootstrap-signer
kube-system/system::extension-apiserver-authentication-reader role:extension-apiserver-authentication-reader user:system:kube-controller-manager user:system:kube-scheduler
kube-system/system::leader-locking-kube-controller-manager user:system:kube-controller-manager account:kube-system/kube-controller-manager
kube-system/system::leader-locking-kube-scheduler user:system:kube-scheduler account:kube-system/kube-scheduler
kube-system/system:controller:bootstrap-signer account:kube-system/bootstrap-signer
kube-system/system:controller:cloud-provider account:kube-system/cloud-provider
kube-system/system:controller:token-cleaner account:kube-system/token-cleaner
`;
