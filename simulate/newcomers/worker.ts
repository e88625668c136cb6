/** A child process that lets newcomers join one cluster after the other. */
import { serve } from "../running/Worker.ts"
import { measure } from "./measure.ts"

serve(measure)
