import type { MessagePort } from 'node:worker_threads';
import type { SharedMemory } from './shared-mailbox.ts';

/** One plugin's line between two threads or processes. Whose it is, is known by which it is. */
export interface Channel {
  /** The frame is given away. Never throws; what is sent after the end is lost. */
  send(frame: ArrayBuffer): void;
  /** At most one receiver. What arrives is not checked: it need not be an ArrayBuffer. */
  receive(receiver: (frame: unknown) => void): void;
  /** Where both ends are in one process. Arrives in its order with the frames. */
  share?(memory: SharedMemory): void;
  close(): void;
}

export function portChannel(port: MessagePort): Channel {
  return {
    send: frame => port.postMessage(frame, [frame]),
    receive: receiver => void port.on('message', receiver),
    share: memory => port.postMessage(memory),
    close: () => port.close(),
  };
}
