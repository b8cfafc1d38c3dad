import { type Door, doorPoint } from './door.ts';
import type { PluginContext } from './plugin.ts';
import { serviceUnavailable } from './status.ts';

/**
 * How a plugin in the kernel's thread gets at the door whenever it needs it. While none is open,
 * what is returned throws ServiceUnavailable with `why`.
 */
export function openDoor(
  { contributions }: Pick<PluginContext, 'contributions'>,
  why = 'No door is open yet',
): () => Door {
  const doors = contributions(doorPoint);
  return () => {
    const [found] = doors.list();
    if (found === undefined) throw serviceUnavailable(why);
    return found.value;
  };
}
