/** Why a metric says nothing about the number of replicas. The message is upstream's. */
export class NoProposal extends Error {
  override name = 'NoProposal';
}
