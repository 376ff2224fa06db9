# The page in a container, weights and decoded examples included, so that it needs no network:
#   docker build -t difficmh . && docker run --rm -p 7860:7860 difficmh
# On a CUDA GPU (the default wheels of torch bring CUDA; the host needs NVIDIA's container toolkit):
#   docker run --rm --gpus all -p 7860:7860 difficmh
# In public, with nothing writable but a folder in memory for visitors' files, and no privileges:
#   docker run --rm --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#       --pids-limit 512 --memory 8g -p 127.0.0.1:7860:7860 difficmh
# Words after the image's name go to app.py (--help tells them), such as for users with passwords:
#   docker run --rm -v "$PWD/accounts:/accounts:ro" -p 7860:7860 difficmh --auth-file /accounts
# For CPUs only, with much smaller wheels:
#   docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu -t difficmh .
# `make container` builds and runs it, and measures it.
FROM python:3.11-slim

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONUNBUFFERED=1 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

WORKDIR /app
ARG TORCH_INDEX=""
# What only pyiqa's training and its metrics for faces need (bitsandbytes, datasets, numba), what
# develops it (ruff, pytest, pre-commit, yapf), and a second copy of OpenCV.
ARG UNUSED="bitsandbytes datasets grpcio llvmlite numba opencv-python opencv-python-headless \
    pre-commit pyarrow pytest ruff tensorboard tensorboard-data-server virtualenv yapf"
COPY requirements.txt constraints.txt ./
# In one step: what a later one deletes stays in the image. Bytecode is written for what is used.
RUN pip install --quiet --no-compile ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} \
        -r requirements.txt -c constraints.txt \
    && pip uninstall --quiet --yes $UNUSED \
    && pip install --quiet --no-compile --no-deps opencv-python-headless -c constraints.txt \
    && cd "$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
    && find . -depth -type d \( -name tests -o -path ./torch/test \) -exec rm -r {} + \
    && find ./torch/bin -type f ! -name torch_shm_manager -delete \
    && find . -type f \( -name "*.h" -o -name "*.hpp" -o -name "*.cuh" \) -delete \
    && rm -rf /usr/local/include /root/.cache

COPY LICENSE README.md app.py ./
COPY examples examples
COPY difficmh_core difficmh_core
# As root, so that bytecode is kept beside what runs here; the visitor may fetch other weights.
ARG DIFFICMH_CACHE=/home/visitor/.cache/difficmh
RUN useradd --create-home --uid 1000 visitor \
    && python -m difficmh_core fetch && python -m difficmh_core fetch baselines \
    && python -m difficmh_core.ui.showcase \
    && chown -R visitor /home/visitor/.cache

ENV GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    PYTHONDONTWRITEBYTECODE=1
USER visitor
EXPOSE 7860
# The page's own address answers with and without accounts and a root path.
HEALTHCHECK --interval=10s --timeout=5s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(u.Request(f'http://127.0.0.1:{os.environ[\"GRADIO_SERVER_PORT\"]}/', method='HEAD'), timeout=4)"]
ENTRYPOINT ["python", "app.py"]
