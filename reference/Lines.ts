/** The lines in which two texts differ. */

export interface Difference {
  /** Lines that only memberlist has. */
  readonly go: ReadonlyArray<string>
  /** Lines that only we have. */
  readonly us: ReadonlyArray<string>
}

/** Compares line by line: what stands in both, in the same order, is left out. */
export const compare = (go: string, us: string): Difference => {
  const left = go.split("\n")
  const right = us.split("\n")
  // The length of the longest common sequence of left[i..] and right[j..].
  const lengths = Array.from({ length: left.length + 1 }, () => new Uint32Array(right.length + 1))
  const at = (i: number, j: number): number => lengths[i]?.[j] ?? 0
  for (let i = left.length - 1; i >= 0; i--) {
    const row = lengths[i]
    if (row === undefined) continue
    for (let j = right.length - 1; j >= 0; j--) {
      row[j] = left[i] === right[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const only: { go: Array<string>; us: Array<string> } = { go: [], us: [] }
  let i = 0
  let j = 0
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) {
      i++
      j++
    } else if (j >= right.length || (i < left.length && at(i + 1, j) >= at(i, j + 1))) only.go.push(left[i++] ?? "")
    else only.us.push(right[j++] ?? "")
  }
  return only
}

/** The difference for people, memberlist's lines marked with `-` and ours with `+`. */
export const shown = ({ go, us }: Difference): string =>
  [...go.map((line) => `  - ${line}`), ...us.map((line) => `  + ${line}`)].join("\n")
