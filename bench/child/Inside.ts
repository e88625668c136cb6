/** Parts of the library that is measured which are no part of its public API: `bench/run/Stage.ts` builds them. */
import type * as Nonces from "../../src/engine/sending/Nonces.ts"
import type * as Message from "../../src/wire/message/Message.ts"
import type * as MessagePackWriter from "../../src/wire/msgpack/MessagePackWriter.ts"
import type * as Compound from "../../src/wire/packet/Compound.ts"
import type * as Packet from "../../src/wire/packet/Packet.ts"
import type * as Frame from "../../src/wire/stream/Frame.ts"
import type * as StreamBody from "../../src/wire/stream/StreamBody.ts"

export interface Inside {
  readonly Nonces: typeof Nonces
  readonly Message: typeof Message
  readonly MessagePackWriter: typeof MessagePackWriter
  readonly Compound: typeof Compound
  readonly Packet: typeof Packet
  readonly Frame: typeof Frame
  readonly StreamBody: typeof StreamBody
}

export const inside: Promise<Inside> = import(new URL("../../../inside.js", import.meta.url).href)
