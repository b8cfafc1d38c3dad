import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Cluster } from 'kernetes';
import { Node, type NodeStatus, Pod, type PodStatus } from 'kernetes/sdk';

/** An address of this machine that others could reach; undefined: it has none. */
export const MACHINE: string | undefined = Object.values(networkInterfaces())
  .flat()
  .find(each => each?.family === 'IPv4' && !each.internal)?.address;

/** A real server on the machine's address. */
export class ProxiedServer {
  readonly server: Server;
  readonly port: number;

  constructor(server: Server) {
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async listen(
    handle: RequestListener,
    tls?: { readonly certificate: string; readonly key: string; readonly ca?: string },
  ): Promise<ProxiedServer> {
    const options = tls && { cert: tls.certificate, key: tls.key, ...(tls.ca && { ca: tls.ca }) };
    const server = options
      ? createSecureServer({ ...options, requestCert: true, rejectUnauthorized: false }, handle)
      : createServer(handle);
    server.listen(0, MACHINE);
    await once(server, 'listening');
    return new ProxiedServer(server);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** A pod of a node that no agent serves; its status says that it is on the machine's address. */
export async function podOnMachine(
  cluster: Cluster,
  name: string,
  ports: readonly { name: string; containerPort: number }[],
): Promise<void> {
  const node = 'machine';
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: node },
  } as never);
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: { nodeName: node, containers: [{ name: 'main', image: 'x', ports: [...ports] }] },
  } as never);
  const status: PodStatus = {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'True' }],
    podIP: MACHINE ?? '',
    podIPs: [{ ip: MACHINE ?? '' }],
  };
  const key = { namespace: 'default', name };
  await cluster.objects.patch(Pod, key, { status }, { subresource: 'status' });
  const addresses: NodeStatus['addresses'] = [{ type: 'InternalIP', address: MACHINE ?? '' }];
  await cluster.objects.patch(Node, { name: node }, { status: { addresses } }, STATUS);
}

const STATUS = { subresource: 'status' };

export async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
