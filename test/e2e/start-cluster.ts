import { type ClusterOptions, createCluster } from 'kernetes';
import { Http } from './http.ts';
import { Kubectl } from './kubectl.ts';

/** A cluster for all tests of a file, which closes it, and its administrator's clients. */
export async function startCluster(options: ClusterOptions) {
  const cluster = await createCluster(options);
  const kubeconfig = await cluster.kubeconfig();
  return { cluster, kubeconfig, http: Http.of(kubeconfig), kubectl: new Kubectl(kubeconfig) };
}
