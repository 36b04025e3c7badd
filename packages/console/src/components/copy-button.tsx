"use client";
import { CheckIcon, CopyIcon } from "@primer/octicons-react";
import { useState } from "react";

const shownMilliseconds = 1500;

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), shownMilliseconds);
  };
  return (
    <button
      type="button"
      className="button quiet small icon"
      onClick={() => void copy()}
      aria-label={label}
      title={label}
    >
      {copied ? <CheckIcon className="ink-green" /> : <CopyIcon />}
    </button>
  );
}
