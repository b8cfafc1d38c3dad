/** One block of a PEM text. */
export interface PemBlock {
  /** `CERTIFICATE REQUEST` */
  readonly type: string;
  /** `Proc-Type: 4,ENCRYPTED` and the like stand before the data. */
  readonly hasHeaders: boolean;
  readonly bytes: Uint8Array;
}

/** The blocks of a text up to the first that is broken; what stands between them is ignored. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let at = 0;
  for (;;) {
    const begin = text.indexOf(BEGIN, at);
    const typeEnd = text.indexOf(DASHES, begin + BEGIN.length);
    if (begin < 0 || typeEnd < 0) return blocks;
    const type = text.slice(begin + BEGIN.length, typeEnd);
    const end = `-----END ${type}${DASHES}`;
    const bodyEnd = text.indexOf(end, typeEnd);
    if (bodyEnd < 0 || type.includes('\n')) return blocks;
    const block = readBlock(type, text.slice(typeEnd + DASHES.length, bodyEnd));
    if (block === undefined) return blocks;
    blocks.push(block);
    at = bodyEnd + end.length;
  }
}

function readBlock(type: string, text: string): PemBlock | undefined {
  const lines = text.split('\n').map(line => line.trim());
  const data = lines.filter(line => !line.includes(':'));
  const base64 = data.join('');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64) || base64.length % 4 !== 0) return undefined;
  return {
    type,
    hasHeaders: data.length < lines.length,
    bytes: Buffer.from(base64, 'base64'),
  };
}

const BEGIN = '-----BEGIN ';
const DASHES = '-----';
