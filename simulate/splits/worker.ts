/** A child process that runs one split after the other. */
import { serve } from "../running/Worker.ts"
import type { Job } from "./jobs.ts"
import { measure } from "./measure.ts"

serve(({ seed, split }: Job) => measure(split, seed))
