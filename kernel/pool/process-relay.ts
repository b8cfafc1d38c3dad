import { Socket } from 'node:net';
import type { Channel } from './channel.ts';
import type { BodyEnd, BodyOptions } from './host-body.ts';
import { PipeMux } from './pipe-mux.ts';
import {
  BROKER_CHANNEL,
  CONTROL_CHANNEL,
  PIPE_FD,
  PLUGIN_CHANNEL,
  SETUP_CHANNEL,
} from './process-body.ts';
import { startThread } from './thread-body.ts';
import { decodeText, encodeText } from './wire.ts';
import { toWireError } from './wire-error.ts';

/** The main thread of a host's process: it starts the host's thread, and passes frames on. */
const pipe = new Socket({ fd: PIPE_FD });
const mux = new PipeMux(pipe);
const setup = mux.channel(SETUP_CHANNEL);
setup.receive(frame => {
  const options = JSON.parse(decodeText(new Uint8Array(frame as ArrayBuffer))) as BodyOptions;
  const body = startThread(options);
  join(body.control, mux.channel(CONTROL_CHANNEL));
  join(body.broker, mux.channel(BROKER_CHANNEL));
  for (const [i, plugin] of body.plugins.entries()) join(plugin, mux.channel(PLUGIN_CHANNEL + i));
  void body.gone.then(finish);
});
// Without the kernel there is nobody to work for. `exit` would wait for a thread that cannot be
// interrupted.
pipe.on('close', () => process.kill(process.pid, 'SIGKILL'));

function join(thread: Channel, outside: Channel): void {
  // The kernel takes nothing but bytes; others come from a forger, and end here.
  thread.receive(frame => {
    if (frame instanceof ArrayBuffer) outside.send(frame);
  });
  outside.receive(frame => thread.send(frame as ArrayBuffer));
}

function finish({ reason, error }: BodyEnd): void {
  const text = JSON.stringify({ reason, error: toWireError(error) });
  // The kernel ends the process when it has it: what is in a pipe that the other side closes may
  // be lost to who writes to it at that moment.
  setup.send(encodeText(text).slice().buffer);
}
