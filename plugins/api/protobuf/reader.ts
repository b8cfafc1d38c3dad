/** Bytes that are no protobuf, or not of the message that they were taken for. */
export class WireError extends Error {
  override name = 'WireError';
}

/**
 * Reads one message: `next` moves to a field, after which one of the other methods must take its
 * value. Every read is checked against the end of the message; nothing is copied.
 */
export class ProtobufReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #offset: number;
  #field = 0;
  #wireType = 0;
  /** The halves of the last varint, signed. */
  #low = 0;
  #high = 0;

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#offset = start;
    this.#end = end;
  }

  /** A length of zero at hand: whatever is read is empty. */
  static empty(): ProtobufReader {
    const reader = new ProtobufReader(Buffer.of(0));
    reader.#wireType = LENGTH_DELIMITED;
    return reader;
  }

  /** The number of the field at hand. */
  get field(): number {
    return this.#field;
  }

  /** Moves to the next field; false at the end. */
  next(): boolean {
    if (this.#offset === this.#end) return false;
    const tag = this.#size();
    this.#field = tag >>> 3;
    this.#wireType = tag & 7;
    if (this.#field === 0) throw new WireError('field number is 0');
    return true;
  }

  bool(): boolean {
    this.#expect(VARINT);
    this.#varint();
    return this.#low !== 0 || this.#high !== 0;
  }

  int32(): number {
    this.#expect(VARINT);
    this.#varint();
    return this.#low;
  }

  /** As JSON.parse would read it: beyond the safe integers, the nearest double. */
  int64(): number {
    this.#expect(VARINT);
    this.#varint();
    return this.#high * 2 ** 32 + (this.#low >>> 0);
  }

  double(): number {
    this.#expect(FIXED64);
    return this.#bytes.readDoubleLE(this.#advance(8));
  }

  bytes(): Buffer {
    const size = this.#length();
    const start = this.#advance(size);
    return this.#bytes.subarray(start, start + size);
  }

  /** Bytes that are no UTF-8 become U+FFFD, as Go's JSON encoder has it. */
  string(): string {
    const size = this.#length();
    const start = this.#advance(size);
    return this.#bytes.toString('utf8', start, start + size);
  }

  message(): ProtobufReader {
    const size = this.#length();
    const start = this.#advance(size);
    return new ProtobufReader(this.#bytes, start, start + size);
  }

  /** The values of a repeated scalar, which may come one a field or all in one. */
  *varints<T>(read: (reader: ProtobufReader) => T): Generator<T, void> {
    if (this.#wireType !== LENGTH_DELIMITED) {
      yield read(this);
      return;
    }
    const packed = this.message();
    packed.#field = this.#field;
    packed.#wireType = VARINT;
    while (packed.#offset < packed.#end) yield read(packed);
  }

  /** Passes over the value of an unknown field. */
  skip(): void {
    switch (this.#wireType) {
      case VARINT:
        this.#varint();
        break;
      case FIXED64:
        this.#advance(8);
        break;
      case LENGTH_DELIMITED:
        this.#advance(this.#length());
        break;
      case FIXED32:
        this.#advance(4);
        break;
      default:
        throw new WireError(`field ${this.#field} has wire type ${this.#wireType}`);
    }
  }

  #expect(wireType: number): void {
    if (this.#wireType === wireType) return;
    throw new WireError(`field ${this.#field} has wire type ${this.#wireType}, want ${wireType}`);
  }

  #length(): number {
    this.#expect(LENGTH_DELIMITED);
    return this.#size();
  }

  /** A varint that is a tag or a length. */
  #size(): number {
    this.#varint();
    if (this.#high !== 0 || this.#low < 0) throw new WireError('a tag or length exceeds 31 bits');
    return this.#low;
  }

  #varint(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift <= VARINT_SHIFT_MAX; shift += 7) {
      const byte = this.#bytes[this.#advance(1)] as number;
      const bits = byte & 0x7f;
      if (shift < 32) low |= bits << shift;
      if (shift === 28) high = bits >>> 4;
      if (shift > 28) high |= bits << (shift - 32);
      if (byte > 0x7f) continue;
      if (shift === VARINT_SHIFT_MAX && byte > 1) break;
      this.#low = low;
      this.#high = high;
      return;
    }
    throw new WireError('a varint exceeds 64 bits');
  }

  /** Where the next `size` bytes start. */
  #advance(size: number): number {
    const start = this.#offset;
    if (size > this.#end - start) throw new WireError('unexpected end');
    this.#offset = start + size;
    return start;
  }
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** A varint has at most ten bytes of seven bits. */
const VARINT_SHIFT_MAX = 63;
