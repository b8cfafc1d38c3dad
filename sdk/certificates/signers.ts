/** The signers that Kubernetes itself has. */
export const SIGNERS = {
  client: 'kubernetes.io/kube-apiserver-client',
  kubeletClient: 'kubernetes.io/kube-apiserver-client-kubelet',
  kubeletServing: 'kubernetes.io/kubelet-serving',
  /** Only in requests that v1beta1 made. */
  legacyUnknown: 'kubernetes.io/legacy-unknown',
} as const;
