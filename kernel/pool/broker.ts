import type { BrokeredHead, BrokeredOutcome, BrokeredResource } from './wire.ts';

/** What the kernel does in a plugin's stead, as far as the plugin was granted it. */
export interface Broker {
  attach(sink: BrokerSink): void;
  open(id: number, resource: BrokeredResource): void;
  data(id: number, bytes: Uint8Array): void;
  end(id: number): void;
  destroy(id: number): void;
  /** Everything that is open is closed. */
  close(): void;
}

/** Stream 1 is the answer, or a program's output; stream 2 its error output. */
export interface BrokerSink {
  opened(id: number, head: BrokeredHead): void;
  data(id: number, stream: number, bytes: Uint8Array): void;
  end(id: number, stream: number): void;
  closed(id: number, outcome: BrokeredOutcome): void;
}

/** For plugins that were granted nothing that needs it. */
export function refusingBroker(): Broker {
  let sink: BrokerSink | undefined;
  return {
    attach: attached => {
      sink = attached;
    },
    open: (id, resource) => {
      const message = `Cannot open "${resource.type}": it was not granted`;
      sink?.closed(id, { error: { name: 'NotCapable', message } });
    },
    data() {},
    end() {},
    destroy() {},
    close() {},
  };
}
