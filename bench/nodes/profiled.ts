/** Nodes of a process that tells what its main thread does (`bench/profile.ts`). */
import * as inspector from "node:inspector/promises"
import { serve } from "../child/Commands.ts"
import { handlers } from "./Nodes.ts"

const session = new inspector.Session()
session.connect()

/** Begins to look. */
const profile = async () => {
  await session.post("Profiler.enable")
  await session.post("Profiler.setSamplingInterval", { interval: 500 })
  await session.post("Profiler.start")
  return {}
}

/** Ends it, and returns what was seen. */
const profiled = async () => {
  const { profile } = await session.post("Profiler.stop")
  return { profile }
}

serve({ ...handlers, profile, profiled })
