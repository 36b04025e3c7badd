"use client";
import { MoonIcon, SunIcon } from "@primer/octicons-react";
import { type Theme, themeCookie } from "./theme.ts";

const yearSeconds = 365 * 24 * 60 * 60;

export function ThemeToggle() {
  const toggle = () => {
    const root = document.documentElement;
    const dark = root.dataset["theme"]
      ? root.dataset["theme"] === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    const next: Theme = dark ? "light" : "dark";
    root.dataset["theme"] = next;
    // biome-ignore lint/suspicious/noDocumentCookie: the cookie store API is not everywhere yet
    document.cookie = `${themeCookie}=${next}; path=/; max-age=${yearSeconds}; samesite=lax`;
  };
  return (
    <button
      type="button"
      className="button quiet icon theme-toggle"
      onClick={toggle}
      aria-label="Switch between light and dark"
    >
      <SunIcon className="for-dark" />
      <MoonIcon className="for-light" />
    </button>
  );
}
