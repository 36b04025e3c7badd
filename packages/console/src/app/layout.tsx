import type { Metadata } from "next";
import { cookies } from "next/headers";
import type { ReactNode } from "react";
import { themeCookie, themeOf } from "../components/theme.ts";
import "../styles/tokens.css";
import "../styles/base.css";
import "../styles/kit.css";

export const metadata: Metadata = {
  title: { default: "Krate", template: "%s · Krate" },
  description: "A Git forge that is a Kubernetes API.",
};

export default async function RootLayout({ children }: { children: ReactNode }) {
  const theme = themeOf((await cookies()).get(themeCookie)?.value);
  return (
    <html lang="en" data-theme={theme}>
      <body>{children}</body>
    </html>
  );
}
