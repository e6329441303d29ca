import t from "tap";
import { conform } from "../conformance/conform.js";
import connector from "./azblob.js";

conform(t, connector);
