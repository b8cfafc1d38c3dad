import type {
  Clock,
  Container,
  EventType,
  PodSandbox,
  PullResult,
  Runtime,
  StartResult,
} from 'kernetes/sdk';

/** Tells an Event about the pod. */
export type TellEvent = (type: EventType, reason: string, message: string) => void;

export interface StarterOptions {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly sandbox: PodSandbox;
  readonly ip: string | undefined;
  readonly event: TellEvent;
}

export type ContainerStart =
  | {
      readonly ok: true;
      readonly id: string;
      readonly imageID: string;
      readonly startedAtMs: number;
    }
  | {
      readonly ok: false;
      readonly step: 'image' | 'container';
      /** Of the waiting state. */
      readonly reason: string;
      readonly message: string;
    };

/** Gets the image and starts the container, with the events that tell of it. Never rejects. */
export async function startContainer(
  container: Container,
  attempt: number,
  options: StarterOptions,
): Promise<ContainerStart> {
  const image = await ensureImage(container, options);
  if (!image.ok) return { ...image, step: 'image' };
  const { runtime, sandbox, ip, event } = options;
  const started = await answered<StartResult>(
    () => runtime.startContainer({ pod: sandbox, container, attempt, ...(ip && { ip }) }),
    message => ({ ok: false, reason: 'RunContainerError', message }),
  );
  if (!started.ok) {
    event('Warning', 'Failed', `Error: ${started.message}`);
    return { ...started, step: 'container' };
  }
  event('Normal', 'Created', `Created container: ${container.name}`);
  event('Normal', 'Started', `Started container ${container.name}`);
  const { id, startedAtMs } = started;
  return { ok: true, id, startedAtMs, imageID: image.imageID };
}

type ImageResult =
  | { readonly ok: true; readonly imageID: string }
  | { readonly ok: false; readonly reason: string; readonly message: string };

async function ensureImage(container: Container, options: StarterOptions): Promise<ImageResult> {
  const { image = '', imagePullPolicy = 'IfNotPresent' } = container;
  const { runtime, sandbox, event } = options;
  if (imagePullPolicy === 'Always') return pull(image, options);
  const imageID = await answered<string | undefined>(
    () => runtime.findImage(sandbox.node, image),
    () => undefined,
  );
  if (imageID !== undefined) {
    event('Normal', 'Pulled', `Container image "${image}" already present on machine`);
    return { ok: true, imageID };
  }
  if (imagePullPolicy !== 'Never') return pull(image, options);
  const reason = 'ErrImageNeverPull';
  const message = `Container image "${image}" is not present with pull policy of Never`;
  event('Warning', reason, message);
  event('Warning', 'Failed', `Error: ${reason}`);
  return { ok: false, reason, message };
}

async function pull(image: string, { runtime, sandbox, event, clock }: StarterOptions) {
  const beganMs = clock.monotonic();
  event('Normal', 'Pulling', `Pulling image "${image}"`);
  const result = await answered<PullResult>(
    () => runtime.pullImage(sandbox.node, image),
    message => ({ ok: false, reason: 'ErrImagePull', message }),
  );
  if (result.ok) {
    const took = formatTook(clock.monotonic() - beganMs);
    const size = `Image size: ${result.sizeBytes} bytes.`;
    const message = `Successfully pulled image "${image}" in ${took} (${took} including waiting). ${size}`;
    event('Normal', 'Pulled', message);
    return result;
  }
  if (result.reason === 'InvalidImageName') {
    const message = `Failed to apply default image tag "${image}": ${result.message}`;
    event('Warning', 'InspectFailed', message);
    event('Warning', 'Failed', 'Error: InvalidImageName');
    return { ...result, message };
  }
  event('Warning', 'Failed', `Failed to pull image "${image}": ${result.message}`);
  event('Warning', 'Failed', `Error: ${result.reason}`);
  return result;
}

/** A rejection is the runtime's fault, and must not end the agent. */
async function answered<T>(ask: () => Promise<T>, failed: (message: string) => T): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}

/** As Go prints a duration of whole milliseconds. */
function formatTook(ms: number): string {
  const whole = Math.round(ms);
  return whole > 0 && whole < 1000 ? `${whole}ms` : `${whole / 1000}s`;
}
