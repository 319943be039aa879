# Builds the three programs as static binaries on an empty base.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/ ./cmd/enqueue ./cmd/worker ./cmd/sandbox \
 && mkdir -p /out/data/reports /out/data/state

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/enqueue /out/worker /out/sandbox /bin/
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
WORKDIR /data
ENV REPORT_DIR=/data/reports STATE_DIR=/data/state
ENTRYPOINT ["/bin/worker"]
