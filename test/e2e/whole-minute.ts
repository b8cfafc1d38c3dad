/**
 * The machine's time, back to a whole minute, for a cluster's clock to start at: kubectl checks
 * certificates and works out ages by the machine's.
 */
export function wholeMinute(): number {
  return Math.floor(Date.now() / 60_000) * 60_000;
}
