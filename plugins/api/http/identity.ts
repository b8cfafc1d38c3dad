import type { TLSSocket } from 'node:tls';
import {
  type Authenticated,
  type Clock,
  type Credentials,
  type Door,
  type User,
  unauthorized,
} from 'kernetes/sdk';
import { impersonate } from './impersonation.ts';
import type { Request } from './server.ts';
import { takeBearer } from './subprotocol.ts';

/** Who sends a request. */
export interface Caller {
  /** In whose name. */
  readonly user: User;
  /** Who proved to be so: another than `user` where he impersonates it. */
  readonly requester: User;
}

/** Rejects with Unauthorized, and with Forbidden for who may not be whom he wants to be. */
export type Identify = (
  request: Request,
  /** Told before it is looked at whom he wants to be. */
  proved?: (requester: User) => void,
) => Promise<Caller>;

/** A certificate is looked at once a connection, not once a request. */
export function identifier(door: Door, clock: Clock): Identify {
  const byConnection = new WeakMap<object, Known>();
  const authenticate = async (request: Request): Promise<User> => {
    const authorization = request.headers.authorization ?? takeBearer(request.headers);
    // An HTTP/2 request's socket is a stand-in of its own; the session is the connection.
    const connection = ('stream' in request && request.stream.session) || request.socket;
    const known = authorization === undefined ? byConnection.get(connection) : undefined;
    if (known !== undefined) {
      if (clock.now() >= known.expiresAt) throw unauthorized();
      return known.user;
    }
    const socket = request.socket as TLSSocket;
    const user = await door.authenticate(credentialsOf(socket, authorization, clock.now()));
    if (authorization === undefined) {
      byConnection.set(connection, { user, expiresAt: expiryOf(socket) });
    }
    return user;
  };
  return async (request, proved) => {
    const requester = await authenticate(request);
    proved?.(requester);
    const user = await impersonate(request, requester, door);
    return { user: user ?? requester, requester };
  };
}

interface Known {
  readonly user: Authenticated;
  readonly expiresAt: number;
}

/** A certificate that is not to be believed is worth nothing; a token beside it may be. */
function credentialsOf(
  socket: TLSSocket,
  authorization: string | undefined,
  now: number,
): Credentials {
  const peer = socket.getPeerCertificate?.();
  if (peer?.subject === undefined) return { ...(authorization !== undefined && { authorization }) };
  // A TLS session that is resumed was checked when it began: its certificate may be over since.
  if (!socket.authorized || now >= expiryOf(socket)) {
    if (authorization === undefined) throw unauthorized();
    return { authorization };
  }
  // Several O attributes come as an array, which the type does not know.
  const names = peer.subject as unknown as Record<'CN' | 'O', string | string[] | undefined>;
  const certificate = {
    commonName: [names.CN ?? ''].flat()[0] ?? '',
    organizations: [names.O ?? []].flat(),
    fingerprint: peer.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
  return { ...(authorization !== undefined && { authorization }), certificate };
}

/** A connection may outlive the certificate that it was opened with. */
function expiryOf(socket: TLSSocket): number {
  const expiry = socket.getPeerCertificate?.().valid_to;
  return expiry === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiry);
}
