/** A node of this library that exchanges its table with another. */
import { serve } from "../child/Commands.ts"
import * as Delay from "../child/Delay.ts"
import { first, handlers, run } from "./Nodes.ts"

const members = async () => ({ count: (await run(first().members)).length })

let watching = (): Delay.Held => ({ delay: 0, turn: 0 })

const watch = () => {
  watching = Delay.watch()
  return {}
}

serve({ ...handlers, members, watch, watched: () => watching() })
