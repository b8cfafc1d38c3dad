import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { WatchEnd, WatchStream } from './watch.ts';

/** A request whose client would go on with another protocol. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What the client sent already. */
  readonly head: Buffer;
  /** For the answer when nothing comes of it. */
  readonly response: ServerResponse;
}

/**
 * A watch as messages, one an event. They are text whatever subprotocol was asked for, as
 * kube-apiserver's are; the client has nothing to say.
 */
export function webSocketStream(upgrade: Upgrade): WatchStream {
  const { request, socket, head, response } = upgrade;
  let webSocket: WebSocket | undefined;
  let begun = false;
  return {
    get begun() {
      return begun;
    },
    begin() {
      begun = true;
      response.detachSocket(socket as Parameters<ServerResponse['detachSocket']>[0]);
      server.handleUpgrade(request, socket, head, opened => {
        webSocket = opened;
        // A client that breaks the protocol is closed; that it was is told by `close`.
        opened.on('error', () => undefined);
      });
    },
    write(frames) {
      if (webSocket === undefined) return;
      for (const frame of lines(frames)) webSocket.send(frame, TEXT);
    },
    get backlog() {
      return webSocket?.bufferedAmount ?? 0;
    },
    end(why) {
      webSocket?.close(CODES[why]);
    },
    onClose(listener) {
      socket.once('close', listener);
    },
  };
}

/** Each with its line end. */
function* lines(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  let start = 0;
  while (start < bytes.length) {
    const at = bytes.indexOf(NEWLINE, start);
    const end = at < 0 ? bytes.length : at + 1;
    yield bytes.subarray(start, end);
    start = end;
  }
}

const server = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  // What a client sends is dropped; more at once than this is not even read.
  maxPayload: 4_096,
  handleProtocols: ([first]) => first ?? false,
});
const CODES: Readonly<Record<WatchEnd, number>> = { over: 1000, stopping: 1001, behind: 1008 };
const TEXT = { binary: false };
const NEWLINE = '\n'.charCodeAt(0);
