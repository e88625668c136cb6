/** The process of an attack over TCP, as seen from a case. */
import { Child, node } from "../cluster/Child.ts"
import type { Session } from "../cluster/Session.ts"
import type { StreamAttack, Streamed } from "../streams.ts"
import { thousands } from "./Flooder.ts"

const program = new URL("../streams.ts", import.meta.url)

export interface Streamer {
  /** Bytes that each connection sends, at most. */
  readonly size: number
  readonly go: () => Promise<void>
  readonly stop: () => Promise<Streamed>
}

export const prepareStreams = async (session: Session, attack: StreamAttack): Promise<Streamer> => {
  const child = new Child(session, { name: "the attacker", command: node(program) })
  const { bytes } = (await child.ask("prepare", { attack })) as { readonly bytes: number }
  return {
    size: bytes,
    go: async () => void (await child.ask("go")),
    stop: async () => (await child.ask("stop")) as Streamed
  }
}

export const told = ({ bytes, opened }: Streamed): string =>
  `${thousands(opened)} connections, ${(bytes / 1e6).toFixed(1)} MB`
