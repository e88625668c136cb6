/**
 * A member list as a few bytes: two agents with the same digest see the same members, in the same states. Pure.
 *
 * @since 0.1.0
 */
import * as Murmur3 from "../../base/Murmur3.ts"
import type { Member } from "../../Member.ts"

/** What a digest depends on. Metadata and addresses change with the incarnation. */
type Row = Pick<Member, "name" | "state" | "incarnation">

/** Two numbers of 32 bits: one alone would be the same for two lists of a large cluster now and then. */
const SEEDS = [0x5ee_d1, 0x5ee_d2] as const

/** Members are immutable, and a list mostly has those of the last one. */
const known = new WeakMap<Row, readonly [number, number]>()

const numbersOf = (row: Row): readonly [number, number] => {
  let numbers = known.get(row)
  if (numbers === undefined) {
    // a name has no control characters in front of it that a state could have
    const text = `${row.state}\u0000${row.incarnation}\u0000${row.name}`
    numbers = [Murmur3.ofText(text, SEEDS[0]), Murmur3.ofText(text, SEEDS[1])]
    known.set(row, numbers)
  }
  return numbers
}

const hex = (number: number): string => number.toString(16).padStart(8, "0")

/**
 * Returns the digest of a list, 16 hexadecimal digits: the sum of a number for each member, so that the order makes no
 * difference. It shows mistakes, and keeps nobody from making up a list with a given digest.
 */
export const of = (members: Iterable<Row>): string => {
  let [first, second] = [0, 0]
  for (const member of members) {
    const [a, b] = numbersOf(member)
    first = (first + a) >>> 0
    second = (second + b) >>> 0
  }
  return hex(first) + hex(second)
}

/** Whether a text can be a digest. */
export const pattern = /^[0-9a-f]{16}$/
