# The page and HTTP interface of dimo on a CPU: docker build -t dimo . && docker run -p 8000:8000 dimo
FROM python:3.12-slim
WORKDIR /opt/dimo
COPY pyproject.toml README.md LICENSE NOTICE constraints-cpu.txt ./
COPY src src
# More options for pip, such as --extra-index-url for an index that holds the CPU build of torch, a fifth of the size.
ARG PIP_OPTIONS=
RUN pip install --no-cache-dir $PIP_OPTIONS -c constraints-cpu.txt '.[serve]' \
    && useradd --create-home dimo
USER dimo
EXPOSE 8000
HEALTHCHECK --start-period=30s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/v1/health')"]
CMD ["dimo", "serve", "--host", "0.0.0.0"]
