import t from "tap";
import { conform } from "../conformance/conform.js";
import connector from "./files.js";

conform(t, connector);
