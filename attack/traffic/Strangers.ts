/** Forged members enough to fill a table, as many in a packet as fit. */
import * as Compound from "../../src/wire/packet/Compound.ts"
import { stranger } from "./Packets.ts"

export const strangers = 60_000

const PER_PACKET = 12

export const packed = (count: number): ReadonlyArray<Uint8Array> =>
  Array.from({ length: Math.ceil(count / PER_PACKET) }, (_, packet) => {
    const first = packet * PER_PACKET
    return Compound.make(Array.from({ length: Math.min(PER_PACKET, count - first) }, (_, i) => stranger(first + i)))
  })
