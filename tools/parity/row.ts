/** What one comparison found. */

/** Greatest difference per tensor, absolute and relative to the greatest expected value. */
export interface ParityRow {
  readonly tensor: string;
  readonly absolute: number;
  readonly relative: number;
  /** A remark for the reader, such as ties that were matched. */
  readonly note?: string;
}
