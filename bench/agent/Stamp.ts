/** The text of a change, by which a reader knows which one it is and when it was sent. */

/** Nanoseconds of the system's clock, which all processes of a machine share, as milliseconds. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6

/** Returns the text of the change with this number, sent now. */
export const write = (at: number): string => `change ${at} at ${now().toFixed(3)}`

/** Where the first text stands in an event: that of the change, before that of the state it replaces. */
const PATTERN = /"text":"change (\d+) at ([\d.]+)"/

/** Returns the number of the change that an event tells of, and how long it took until now; `undefined` for others. */
export const read = (event: string): { readonly at: number; readonly millis: number } | undefined => {
  const [, at, sent] = PATTERN.exec(event) ?? []
  return at === undefined ? undefined : { at: Number(at), millis: now() - Number(sent) }
}
